"""``smyth export``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from smyth.cli.errors import CommandError
from smyth.cli.server import Key, Url, find_server


def export_agent(
    agent: Annotated[str, typer.Argument(help="The agent's id.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file, not to stdout.")] = None,
    version: Annotated[int | None, typer.Option(help="An older version.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A .smyth file is JSON in any case.")] = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Fetch an agent's .smyth file, as it was imported."""
    asked = {} if version is None else {"version": version}
    content = find_server(url, key).call("GET", f"/api/agents/{_segment(agent)}/export", params=asked).content
    if output is None:
        sys.stdout.buffer.write(content.rstrip() + b"\n")
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror}. Name another file.") from None
    print(f"wrote {output}")


def _segment(agent: str) -> str:
    from urllib.parse import quote

    return quote(agent, safe="")
