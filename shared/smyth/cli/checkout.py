"""Commands that live in the checkout, because they need more of the project than is installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from smyth.cli.errors import CommandError


def run_in_checkout(module: str, arguments: Sequence[str]) -> None:
    """Run a module of the checkout with the terminal handed over, and pass its exit code back.

    Raises:
        CommandError: There is no checkout.
    """
    import smyth

    root = Path(smyth.__file__).resolve().parents[2]
    if not (root / module.partition(".")[0]).is_dir():
        raise CommandError(
            f"This command needs the project's checkout, which {root} is not. "
            "Clone the project and run `make setup` there."
        )
    code = subprocess.call([sys.executable, "-m", module, *arguments], cwd=root)  # noqa: S603
    if code:
        raise typer.Exit(code)
