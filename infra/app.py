"""``python -m infra.app --customer NAME`` writes a customer's stack as a template, without the CDK CLI."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from infra import customer as customers
from infra.layers.errors import LayerError
from infra.node import NodeMissing, ensure_node
from infra.paths import ROOT


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when the template is written."""
    parser = argparse.ArgumentParser(prog="python -m infra.app", description=__doc__)
    parser.add_argument("--customer", default=_from_cli() or "demo", help="a file of infra/customers, without .yaml")
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("CDK_OUTDIR", "cdk.out")))
    said = parser.parse_args(arguments)
    try:
        template = synthesise(customers.load(said.customer), said.out)
    except (customers.CustomerError, LayerError, NodeMissing, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"wrote {template}")
    return 0


def synthesise(customer: customers.Customer, out: Path) -> Path:
    """Write the cloud assembly of ``customer`` into ``out`` and return the template's path.

    Under the CDK CLI the folder is the CLI's, else an assembly that is there is replaced; other content stays.
    """
    ensure_node()
    # The template is held against cfn-lint instead, which takes a third of the time and half of the memory.
    os.environ.setdefault("CDK_VALIDATION", "false")
    # Only now: importing the library starts Node.
    from aws_cdk import App

    from infra.stack import SmythStack

    if "CDK_OUTDIR" not in os.environ and (out / "manifest.json").is_file():
        shutil.rmtree(out)
    context = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
    with tempfile.TemporaryDirectory(prefix="smyth-synth-") as staging:
        app = App(outdir=str(out), context=context, analytics_reporting=False)
        stack = SmythStack(app, customer=customer, staging=Path(staging))
        app.synth()
    return out / f"{stack.artifact_id}.template.json"


def _from_cli() -> str | None:
    """The customer that ``cdk -c customer=NAME`` hands over."""
    context: dict[str, str] = json.loads(os.environ.get("CDK_CONTEXT_JSON", "{}"))
    return context.get("customer")


if __name__ == "__main__":
    sys.exit(main())
