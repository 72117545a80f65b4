"""Whom ``smyth prompt`` and ``smyth chat`` speak with: an agent on a server, or a file's agent in this process."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from smyth.cli.errors import CommandError, UsageError
from smyth.cli.in_process import load_document, make_ports
from smyth.cli.server import find_server
from smyth.cli.sources import is_file, media_type_of, pairs, read_bytes

if TYPE_CHECKING:
    from smyth.cli.server import Server
    from smyth.connectors.models.port import Message
    from smyth.conversation.attachments import Attachment

#: An event of a stream, as the API tells it.
Told = dict[str, Any]


class Partner(Protocol):
    """An agent that answers while one listens."""

    #: Over the agent's own.
    model: str | None

    def ask(self, message: str, *, files: Sequence[Path] = (), remember: bool = False) -> AsyncGenerator[Told]:
        """Yield the events of one turn; the last is ``end`` or ``error``. Closing the generator stops the model.

        Raises:
            CommandError: The agent cannot be asked.
        """
        ...

    def forget(self) -> None:
        """Begin a new conversation with the next turn."""
        ...


def find_partner(
    target: str,
    *,
    model: str | None,
    variables: list[str] | None,
    vault: Path | None,
    data: Path | None,
    url: str | None,
    key: str | None,
    conversation: str | None = None,
) -> Partner:
    """Return the agent that ``target`` names: a file, or an id on a server.

    Raises:
        CommandError: There is no such file, or no server is known.
        UsageError: An option does not go with the kind of agent.
    """
    given = pairs("--var", variables)
    if is_file(target):
        if conversation is not None:
            raise UsageError("--conversation is for agents on a server: a file's agent forgets when the command ends.")
        return LocalAgent(Path(target), model=model, variables=given, vault=vault, data=data)
    if vault is not None:
        raise UsageError("--vault is for files: an agent on a server reads the server's vault.")
    if data is not None:
        raise UsageError("--data is for files: an agent on a server keeps its files there.")
    return RemoteAgent(find_server(url, key), target, model=model, variables=given, conversation=conversation)


class RemoteAgent:
    """An agent on a server."""

    def __init__(
        self, server: Server, agent_id: str, *, model: str | None, variables: dict[str, str], conversation: str | None
    ) -> None:
        self.model = model
        self._server = server
        self._path = f"/api/agents/{quote(agent_id, safe='')}/stream"
        self._variables = variables
        self._conversation = conversation

    async def ask(self, message: str, *, files: Sequence[Path] = (), remember: bool = False) -> AsyncGenerator[Told]:
        """See :meth:`Partner.ask`."""
        members = {
            "model": self.model,
            "variables": self._variables or None,
            "conversation_id": self._conversation if remember else None,
            "chat": remember or None,
            "files": [_as_sent(file) for file in files] or None,
        }
        body = {"message": message, **{name: value for name, value in members.items() if value is not None}}
        async with aclosing(self._server.events(self._path, body)) as events:
            async for event in events:
                self._conversation = event.get("conversation_id", self._conversation)
                yield event

    def forget(self) -> None:
        """See :meth:`Partner.forget`."""
        self._conversation = None


class LocalAgent:
    """The agent of a file, in this process."""

    def __init__(
        self, file: Path, *, model: str | None, variables: dict[str, str], vault: Path | None, data: Path | None
    ) -> None:
        from smyth.engine import compile

        self.model = model
        self._plan = compile(load_document(file))
        self._ports = make_ports(vault, data)
        self._variables = variables
        self._history: list[Message] = []

    async def ask(self, message: str, *, files: Sequence[Path] = (), remember: bool = False) -> AsyncGenerator[Told]:
        """See :meth:`Partner.ask`."""
        from smyth.connectors.models.port import ModelError
        from smyth.conversation import ConversationError, Turn

        turn = Turn(
            self._plan,
            message,
            self._ports,
            history=self._history,
            model=self.model,
            variables=self._variables,
            attachments=[await self._attached(file) for file in files],
        )
        try:
            async with aclosing(turn.events()) as events:
                async for event in events:
                    told = event.as_json()
                    if told["type"] == "end":
                        told |= {"model": turn.model_name, "usage": turn.used.tokens}
                        told["cost"] = turn.used.as_json()["model_cost"]
                        # Before its end is told: who listens no longer than that leaves.
                        self._history += turn.messages if remember else []
                    yield told
        except (ModelError, ConversationError) as error:
            raise CommandError(str(error)) from None

    async def _attached(self, file: Path) -> Attachment:
        from smyth.components._files import File
        from smyth.connectors.files.port import FileError
        from smyth.conversation.attachments import Holder, attach

        content = read_bytes(file)
        holder = Holder(self._plan.agent_id, self._plan.team_id, self._ports)
        try:
            return await attach(File(content, media_type_of(file, content), file.name), holder)
        except FileError as error:
            raise CommandError(f"{file}: {error}") from None

    def forget(self) -> None:
        """See :meth:`Partner.forget`."""
        self._history = []


def _as_sent(file: Path) -> dict[str, str]:
    content = read_bytes(file)
    data = base64.b64encode(content).decode()
    return {"data": data, "name": file.name, "content_type": media_type_of(file, content)}
