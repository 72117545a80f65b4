"""``smyth chat``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from smyth.cli.in_process import VaultFile
from smyth.cli.output import AsJson, print_json
from smyth.cli.partners import find_partner
from smyth.cli.server import Key, Url
from smyth.cli.sources import Variables


def chat(
    target: Annotated[str, typer.Argument(metavar="AGENT", help="An agent's id, or a .smyth file.")],
    message: Annotated[str | None, typer.Argument(help="One message; without it you type them.")] = None,
    conversation: Annotated[
        str | None, typer.Option(help="Go on with this conversation; for agents on a server.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Another model than the agent's.")] = None,
    variables: Variables = None,
    vault: VaultFile = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Talk with an agent, which remembers. Lines come from you or from a pipe; "exit" ends."""
    partner = find_partner(
        target, model=model, variables=variables, vault=vault, url=url, key=key, conversation=conversation
    )
    identity = ""
    for line in [message] if message is not None else _lines():
        answer = partner.chat(line)
        if as_json:
            print_json(answer)
        else:
            print(answer["output"], flush=True)
        identity = answer.get("conversation_id", "")
    if identity and not as_json:
        print(f"(go on with --conversation {identity})", file=sys.stderr)


def _lines() -> Iterator[str]:
    """Yield what is typed, until the end of input or a word that ends it."""
    typing = sys.stdin.isatty()
    while True:
        if typing:
            print("> ", end="", flush=True)
        line = sys.stdin.readline()
        if not line or line.strip() in ("exit", "quit"):
            return
        if line.strip():
            yield line.strip()
