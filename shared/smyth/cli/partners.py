"""Whom ``smyth prompt`` and ``smyth chat`` speak with: an agent on a server, or a file's agent in this process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from smyth.cli.errors import CommandError
from smyth.cli.in_process import load_document, make_ports
from smyth.cli.server import find_server
from smyth.cli.sources import is_file, pairs

if TYPE_CHECKING:
    from smyth.cli.server import Server
    from smyth.connectors.models.port import Message


class Partner(Protocol):
    """An agent that answers; the answers have the shape of the API's."""

    def prompt(self, message: str) -> dict[str, Any]:
        """Answer without remembering."""
        ...

    def chat(self, message: str) -> dict[str, Any]:
        """Answer and remember."""
        ...


def find_partner(
    target: str,
    *,
    model: str | None,
    variables: list[str] | None,
    vault: Path | None,
    url: str | None,
    key: str | None,
    conversation: str | None = None,
) -> Partner:
    """Return the agent that ``target`` names: a file, or an id on a server.

    Raises:
        CommandError: There is no such file, or no server is known.
    """
    given = pairs("--var", variables)
    if is_file(target):
        return LocalAgent(Path(target), model=model, variables=given, vault=vault)
    if vault is not None:
        raise CommandError("--vault is for files: an agent on a server reads the server's vault.", exit_code=2)
    members = {"model": model, "variables": given or None}
    return RemoteAgent(find_server(url, key), target, members=members, conversation=conversation)


class RemoteAgent:
    """An agent on a server."""

    def __init__(self, server: Server, agent_id: str, *, members: dict[str, Any], conversation: str | None) -> None:
        self._server = server
        self._path = f"/api/agents/{quote(agent_id, safe='')}"
        self._members = {name: value for name, value in members.items() if value is not None}
        self._conversation = {} if conversation is None else {"conversation_id": conversation}

    def prompt(self, message: str) -> dict[str, Any]:
        """See :meth:`Partner.prompt`."""
        return self._post("prompt", {"message": message, **self._members})

    def chat(self, message: str) -> dict[str, Any]:
        """See :meth:`Partner.chat`."""
        answer = self._post("chat", {"message": message, **self._members, **self._conversation})
        self._conversation = {"conversation_id": answer["conversation_id"]}
        return answer

    def _post(self, route: str, body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._server.call("POST", f"{self._path}/{route}", json=body).json()
        return answer


class LocalAgent:
    """The agent of a file, in this process."""

    def __init__(self, file: Path, *, model: str | None, variables: dict[str, str], vault: Path | None) -> None:
        from smyth.engine import compile

        self._plan = compile(load_document(file))
        self._ports = make_ports(vault)
        self._model = model
        self._variables = variables
        self._history: list[Message] = []

    def prompt(self, message: str) -> dict[str, Any]:
        """See :meth:`Partner.prompt`."""
        return self._answer(message)[0]

    def chat(self, message: str) -> dict[str, Any]:
        """See :meth:`Partner.chat`."""
        answer, messages = self._answer(message)
        self._history += messages
        return answer

    def _answer(self, message: str) -> tuple[dict[str, Any], list[Message]]:
        from smyth.connectors.models.port import ModelError
        from smyth.conversation import ConversationError, Turn

        turn = Turn(
            self._plan, message, self._ports, history=self._history, model=self._model, variables=self._variables
        )
        try:
            asyncio.run(turn.run())
        except (ModelError, ConversationError) as error:
            raise CommandError(str(error)) from None
        answer = {
            "output": turn.output,
            "tool_calls": turn.tool_calls,
            "model": turn.model_name,
            "usage": turn.used.tokens,
            "cost": turn.used.as_json()["model_cost"],
        }
        return answer, turn.messages
