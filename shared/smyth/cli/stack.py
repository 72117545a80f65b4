"""``smyth stack``."""

from __future__ import annotations

from typing import Annotated

import typer

from smyth.cli.checkout import run_in_checkout


def stack(
    arguments: Annotated[list[str] | None, typer.Argument(metavar="COMMAND ...", help="See above.")] = None,
) -> None:
    """Make, change, look at and remove the stacks of customers, from a checkout of the project.

    Commands: new, list, synth, diff, deploy, status, destroy.
    smyth stack COMMAND --help tells a command's options.
    """
    run_in_checkout("infra.commands", ["stack", *(arguments or ["--help"])])
