"""``smyth validate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from smyth.cli.output import AsJson, print_json
from smyth.cli.sources import read_bytes


def validate(
    file: Annotated[Path, typer.Argument(help="A .smyth file.")],
    strict: Annotated[bool, typer.Option("--strict", help="Fail on warnings too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check a .smyth file; ends with 1 when it has errors."""
    from smyth.components.registry import is_known
    from smyth.document import DocumentError, load
    from smyth.document import validate as check

    content = read_bytes(file)
    try:
        findings = check(load(content), is_known)
    except DocumentError as error:
        findings = list(error.findings)
    errors = sum(finding.level == "error" for finding in findings)
    if as_json:
        print_json({"valid": not errors, "findings": [finding.as_json() for finding in findings]})
    else:
        for finding in findings:
            print(f"{finding.level}: {finding.message}")
        print(f"{file}: {errors} errors, {len(findings) - errors} warnings")
    if errors or (strict and findings):
        raise typer.Exit(1)
