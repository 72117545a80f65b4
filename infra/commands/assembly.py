"""Synthesised templates, one folder a customer under ``cdk.out``."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.app import synthesise
from infra.changes import Template
from infra.customer import Customer
from infra.paths import ROOT
from smyth.cli.errors import CommandError

OUT = ROOT / "cdk.out"


@dataclass(frozen=True, slots=True)
class Synthesised:
    """A template and where it lies, its assets beside it."""

    path: Path
    body: Template

    @property
    def resources(self) -> dict[str, Any]:
        """The resources by logical id."""
        return dict(self.body["Resources"])


def synthesised(customer: Customer, *, lint: bool, out: Path | None = None) -> Synthesised:
    """Synthesise the stack of ``customer`` into its folder of ``out``, or else of ``cdk.out``.

    Raises:
        CommandError: cfn-lint found errors.
    """
    folder = (out or OUT) / customer.name
    folder.mkdir(parents=True, exist_ok=True)
    path = synthesise(customer, folder)
    if lint:
        _lint(path)
    return Synthesised(path, json.loads(path.read_text("utf-8")))


def _lint(path: Path) -> None:
    # W3005: the CDK names dependencies that CloudFormation would find by itself.
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "cfnlint", "-i", "W3005", "-t", str(path)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(done.stdout, end="")
        raise CommandError(f"cfn-lint has something against {path}; see above.")
