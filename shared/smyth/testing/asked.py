"""What a client asked, whichever protocol it spoke."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from smyth.testing.turns import Fail, Say


class Refused(Exception):
    """The request makes no sense to the provider; the message says why."""


@dataclass(frozen=True)
class Message:
    """One message of the conversation; ``role`` is system, user, assistant or tool."""

    role: str
    text: str
    #: Names and arguments (JSON text) of the tools that an assistant called.
    calls: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Asked:
    """A request for an answer of a model."""

    body: dict[str, Any]
    #: Its place among the requests to this server, from 1.
    number: int
    messages: tuple[Message, ...]
    #: Schema of the arguments by name of the tool.
    tools: Mapping[str, Any] = field(default_factory=dict)
    #: Name of the tool that must be called, ``*`` for any, empty for none at all, None where the model is free.
    forced: str | None = None
    #: Schema of the wanted JSON; ``{}`` when any JSON will do, None for text.
    schema: Mapping[str, Any] | None = None
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None

    @property
    def model(self) -> str:
        """The name that was asked for."""
        return str(self.body["model"])


class Dialect(Protocol):
    """What each protocol's module offers."""

    def read(self, body: dict[str, Any], number: int) -> Asked:
        """Read a request.

        Raises:
            Refused: The provider would not take it.
        """

    def whole(self, say: Say, asked: Asked) -> dict[str, Any]:
        """The answer in one piece."""

    def events(self, say: Say, asked: Asked, *, complete: bool = True) -> Iterator[str]:
        """The answer as server-sent events; without its ending unless it is ``complete``."""

    def raw(self, chunks: Sequence[dict[str, Any]]) -> Iterator[str]:
        """Given chunks as server-sent events."""

    def error(self, fail: Fail) -> dict[str, Any]:
        """The body of a failure."""

    def error_event(self, fail: Fail) -> str:
        """A failure in the middle of a stream."""


def required(body: Mapping[str, Any], *names: str) -> None:
    """Check that members are there.

    Raises:
        Refused: One is missing.
    """
    for name in names:
        if not body.get(name):
            raise Refused(f"Missing required parameter: '{name}'.")


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has."""
    return -(-len(text) // 4)


def forced_tool(choice: Any) -> str | None:
    """Read a tool choice of any protocol, see ``Asked.forced``."""
    kind = choice.get("type") if isinstance(choice, dict) else choice
    if kind in ("function", "tool"):
        return str(choice.get("function", choice).get("name", "*"))
    return {"none": "", "required": "*", "any": "*"}.get(str(kind))


def text_of(content: Any) -> str:
    """The words of a content, with a mark where something else stands between them."""
    if isinstance(content, list):
        return "\n".join(str(part["text"]) if "text" in part else f"[{part.get('type')}]" for part in content)
    return str(content or "")
