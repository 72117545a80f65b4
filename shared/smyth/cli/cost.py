"""``smyth cost``."""

from __future__ import annotations

from typing import Annotated

import typer

from smyth.cli.checkout import run_in_checkout


def cost(
    arguments: Annotated[list[str], typer.Argument(metavar="CUSTOMER [OPTIONS]", help="See above.")],
) -> None:
    """Estimate what a customer's stack costs a month at AWS's list prices, from a checkout of the project.

    smyth cost CUSTOMER [--requests N] [--tokens N --model NAME] [--storage-gb G] [--json]
    """
    run_in_checkout("infra.commands", ["cost", *arguments])
