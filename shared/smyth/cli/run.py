"""``smyth run``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from smyth.cli.errors import CommandError
from smyth.cli.in_process import DataFolder, VaultFile, load_document, make_ports
from smyth.cli.output import AsJson, print_json
from smyth.cli.sources import Variables, json_argument, pairs


def run(
    file: Annotated[Path, typer.Argument(help="A .smyth file.")],
    path: Annotated[str, typer.Option("--path", help="The endpoint, such as /api/hash.")],
    method: Annotated[str, typer.Option("--method", help="GET or POST.")] = "POST",
    body: Annotated[str | None, typer.Option("--body", metavar="JSON", help="The body, or @FILE with it.")] = None,
    query: Annotated[list[str] | None, typer.Option("--query", metavar="K=V", help="May be repeated.")] = None,
    header: Annotated[list[str] | None, typer.Option("--header", metavar="K=V", help="May be repeated.")] = None,
    variables: Variables = None,
    vault: VaultFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Call an endpoint of a .smyth file in this process, without a server; ends with 1 when the run failed."""
    request: dict[str, Any] = {
        "query": pairs("--query", query),
        "headers": pairs("--header", header),
        "body": None if body is None else json_argument("--body", body),
        "variables": pairs("--var", variables),
    }
    from smyth.sdk import Agent

    answer = Agent(load_document(file), ports=make_ports(vault, data)).call_sync(method.upper(), path, **request)
    said, failed = answer["data"], _failed(answer)
    if as_json:
        print_json(answer)
    elif failed:
        raise CommandError(str(said["error"]))
    elif isinstance(said, str):
        print(said)
    else:
        print_json(said)
    if failed:
        raise typer.Exit(1)


def _failed(answer: dict[str, Any]) -> bool:
    """Tell whether the run itself ended with an error (SURFACES 1.2), not one of its components."""
    data = answer.get("data")
    return isinstance(data, dict) and "error" in data and "result" not in data
