"""Printing data: JSON for programs, tables for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer

#: The ``--json`` option of every command that prints data.
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

_WIDEST = 1_000


def print_json(value: Any) -> None:
    """Print ``value`` as JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; nothing in the cells is taken as markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    # As wide as it gets: an id that is cut is of no use.
    Console(soft_wrap=True, width=_WIDEST).print(table)
