"""``smyth list``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from smyth.cli.output import AsJson, print_json, print_table
from smyth.cli.server import Key, Url, find_server

_PAGE = 100


def list_agents(
    query: Annotated[str | None, typer.Option("--q", help="Only agents whose name holds this.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """List your agents, newest first."""
    server = find_server(url, key)
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while len(items) < limit:
        asked = {"limit": min(_PAGE, limit - len(items)), "q": query, "cursor": cursor}
        page = server.call(
            "GET", "/api/agents", params={name: value for name, value in asked.items() if value is not None}
        ).json()
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    if as_json:
        print_json({"items": items, "next_cursor": cursor})
    else:
        print_table(
            ["id", "name", "version", "updated"],
            [(item["id"], item["name"], item["version"], item.get("updated_at", "")) for item in items],
        )
