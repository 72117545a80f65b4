"""``smyth import``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from smyth.cli.output import AsJson, print_json
from smyth.cli.server import Key, Url, find_server
from smyth.cli.sources import read_bytes


def import_agent(
    file: Annotated[Path, typer.Argument(help="A .smyth file.")],
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Send a .smyth file to a server; prints the new agent's id and the warnings."""
    # As a form, so that the file's name serves an agent that has none.
    upload = {"file": (file.name, read_bytes(file), "application/json")}
    answer = find_server(url, key).call("POST", "/api/agents/import", files=upload).json()
    if as_json:
        print_json(answer)
        return
    print(f"{answer['id']}  {answer['name']}  version {answer['version']}")
    for warning in answer.get("warnings", []):
        print(f"warning: {warning['message'] if isinstance(warning, dict) else warning}")
