"""``python -m infra.app --customer NAME`` writes customers' stacks as templates, without the CDK CLI."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from infra import customer as customers
from infra.layers.errors import LayerError
from infra.node import NodeMissing, ensure_node
from infra.paths import CUSTOMERS, ROOT


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when all templates are written."""
    parser = argparse.ArgumentParser(prog="python -m infra.app", description=__doc__)
    parser.add_argument(
        "--customer", default=_from_cli() or "demo", help='a file of --folder, without .yaml; "all" takes every one'
    )
    parser.add_argument("--folder", type=Path, default=CUSTOMERS, help="where the customers' files lie")
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("CDK_OUTDIR", "cdk.out")))
    said = parser.parse_args(arguments)
    names = customers.names(said.folder) if said.customer == "all" else [said.customer]
    try:
        made = synthesise_all([customers.load(name, said.folder) for name in names], said.out)
    except (customers.CustomerError, LayerError, NodeMissing, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for one in made:
        print(f"wrote {one.template} ({one.seconds:.1f} s)")
    if len(made) > 1:
        further = sum(one.seconds for one in made[1:]) / (len(made) - 1)
        print(f"{len(made)} customers in {sum(one.seconds for one in made):.1f} s; a further one takes {further:.1f} s")
    return 0


class Synthesised(NamedTuple):
    """A customer's template, and the seconds that it took."""

    template: Path
    seconds: float


def synthesise(customer: customers.Customer, out: Path) -> Path:
    """Write the cloud assembly of ``customer`` into ``out`` and return the template's path.

    Under the CDK CLI the folder is the CLI's, else an assembly that is there is replaced; other content stays.
    """
    return synthesise_all([customer], out)[0].template


def synthesise_all(chosen: Sequence[customers.Customer], out: Path) -> list[Synthesised]:
    """Write the stacks of several customers as one cloud assembly; what they share is staged once."""
    started = time.perf_counter()
    ensure_node()
    # The template is held against cfn-lint instead, which takes a third of the time and half of the memory.
    os.environ.setdefault("CDK_VALIDATION", "false")
    # Only now: importing the library starts Node.
    from aws_cdk import App

    from infra.stack import SmythStack

    if "CDK_OUTDIR" not in os.environ and (out / "manifest.json").is_file():
        shutil.rmtree(out)
    context = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
    built: list[tuple[str, float]] = []
    with tempfile.TemporaryDirectory(prefix="smyth-synth-") as staging:
        app = App(outdir=str(out), context=context, analytics_reporting=False)
        for customer in chosen:
            stack = SmythStack(app, customer=customer, staging=Path(staging) / customer.name)
            built.append((stack.artifact_id, time.perf_counter() - started))
            started = time.perf_counter()
        app.synth()
    # Writing them is one step for all of them.
    written = (time.perf_counter() - started) / max(len(built), 1)
    return [Synthesised(out / f"{id}.template.json", seconds + written) for id, seconds in built]


def _from_cli() -> str | None:
    """The customer that ``cdk -c customer=NAME`` hands over."""
    context: dict[str, str] = json.loads(os.environ.get("CDK_CONTEXT_JSON", "{}"))
    return context.get("customer")


if __name__ == "__main__":
    sys.exit(main())
