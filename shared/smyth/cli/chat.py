"""``smyth chat``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from smyth.cli.errors import CommandError
from smyth.cli.in_process import DataFolder, VaultFile
from smyth.cli.output import AsJson, print_json
from smyth.cli.partners import Partner, find_partner
from smyth.cli.screen import Screen, follow
from smyth.cli.server import Key, Url
from smyth.cli.sources import Files, Variables

_END = ("/exit", "exit", "quit")
_HELP = """/reset         begin a new conversation
/model [NAME]  tell the model, or take another
/help          list the commands
/exit          end; so do "exit" and the end of input"""


def chat(
    target: Annotated[str, typer.Argument(metavar="AGENT", help="An agent's id, or a .smyth file.")],
    message: Annotated[str | None, typer.Argument(help="One message; without it you type them.")] = None,
    conversation: Annotated[
        str | None, typer.Option(help="Go on with this conversation; for agents on a server.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Another model than the agent's.")] = None,
    files: Files = None,
    variables: Variables = None,
    vault: VaultFile = None,
    data: DataFolder = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Talk with an agent, which remembers. Lines come from you or from a pipe; /help lists what else you may type."""
    partner = find_partner(
        target, model=model, variables=variables, vault=vault, data=data, url=url, key=key, conversation=conversation
    )
    with asyncio.Runner() as runner:
        talk = _Talk(partner, runner, as_json=as_json, files=files or ())
        if message is not None:
            talk.say(message)
        else:
            talk.listen()
    if talk.conversation and not as_json:
        talk.screen.note(f"(go on with --conversation {talk.conversation})")


@dataclass(slots=True)
class _Talk:
    """What is said between a person and an agent."""

    partner: Partner
    runner: asyncio.Runner
    as_json: bool
    #: Go with the first message.
    files: Sequence[Path]
    screen: Screen = field(default_factory=Screen)
    conversation: str = ""
    #: Who answered last.
    answered_by: str = ""

    def listen(self) -> None:
        """Take lines until the last; while somebody types, neither a failure nor Ctrl-C ends the talk."""
        typing = sys.stdin.isatty()
        for line in _lines(typing):
            if line.startswith("/"):
                self._command(line)
                continue
            try:
                self.say(line)
            except KeyboardInterrupt:
                if not typing:
                    raise
                self.screen.note("(stopped; it is not remembered)")
            except CommandError as error:
                if not typing:
                    raise
                self.screen.note(str(error), style="red")

    def say(self, message: str) -> None:
        """Say one thing and show what is answered.

        Raises:
            CommandError: The turn failed.
        """
        asked = self.partner.ask(message, files=self.files, remember=True)
        answer: dict[str, Any] = self.runner.run(follow(asked, None if self.as_json else self.screen))
        self.files = ()
        self.conversation = answer.get("conversation_id", "")
        self.answered_by = answer.get("model", "")
        if self.as_json:
            print_json(answer)

    def _command(self, line: str) -> None:
        name, _, value = line.partition(" ")
        match name:
            case "/reset":
                self.partner.forget()
                self.conversation = ""
                self.screen.note("A new conversation begins.")
            case "/model":
                self.partner.model = value.strip() or self.partner.model
                told = self.partner.model or self.answered_by
                self.screen.note(f"The model is {told}." if told else "The model is the agent's own.")
            case "/help":
                for told in _HELP.splitlines():
                    self.screen.note(told)
            case _:
                self.screen.note(f"There is no command {name}. /help lists them.", style="red")


def _lines(typing: bool) -> Iterator[str]:
    """Yield what is typed, until the end of input or a word that ends it."""
    while True:
        if typing:
            print("> ", end="", flush=True)
        line = sys.stdin.readline()
        if not line or line.strip() in _END:
            return
        if line.strip():
            yield line.strip()
