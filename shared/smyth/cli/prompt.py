"""``smyth prompt``."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from smyth.cli.in_process import DataFolder, VaultFile
from smyth.cli.output import AsJson, print_json
from smyth.cli.partners import find_partner
from smyth.cli.screen import Screen, follow
from smyth.cli.server import Key, Url
from smyth.cli.sources import Files, Variables


def prompt(
    target: Annotated[str, typer.Argument(metavar="AGENT", help="An agent's id, or a .smyth file.")],
    message: Annotated[str, typer.Argument(help="What to ask.")],
    model: Annotated[str | None, typer.Option(help="Another model than the agent's.")] = None,
    files: Files = None,
    variables: Variables = None,
    vault: VaultFile = None,
    data: DataFolder = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Ask an agent once; it remembers nothing. The answer is shown as it comes, tools and thoughts on stderr."""
    partner = find_partner(target, model=model, variables=variables, vault=vault, data=data, url=url, key=key)
    asked = partner.ask(message, files=files or ())
    answer = asyncio.run(follow(asked, None if as_json else Screen()))
    if as_json:
        print_json(answer)
