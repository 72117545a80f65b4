"""Lists that come in pages, and what their commands' options have in common."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from smyth.cli.server import Server

_PAGE = 100

Limit = Annotated[int, typer.Option(min=1, help="At most so many.")]
Tenant = Annotated[str | None, typer.Option("--tenant", help="For the operator: whose.")]


def all_of(server: Server, path: str, params: dict[str, Any], limit: int) -> list[dict[str, Any]]:
    """Return the items of a list, page by page, up to ``limit``."""
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None and len(items) < limit:
        asked = params | {"limit": min(_PAGE, limit - len(items))} | ({"cursor": cursor} if cursor else {})
        page = server.call("GET", path, params=asked).json()
        items += page["items"]
        cursor = page["next_cursor"]
    return items


def named(**given: Any) -> dict[str, Any]:
    """Return what was given, without what was not."""
    return {name: value for name, value in given.items() if value is not None}


def segment(text: str) -> str:
    """Return an id as one segment of a path, whatever somebody typed."""
    return quote(text, safe="")
