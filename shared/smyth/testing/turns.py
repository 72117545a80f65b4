"""What a script is made of: one turn per request to the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: Text is streamed in pieces of this many characters, unless the pieces themselves are given.
_PIECE = 8

#: A text, or the very pieces in which it is streamed.
Pieces = str | tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """A tool call that the model asks for; ``arguments`` is JSON text, calls without an ``id`` are numbered."""

    name: str
    arguments: str = "{}"
    id: str = ""


@dataclass(frozen=True)
class Say:
    """The model answers with text, thought, tool calls, or all of them.

    Args:
        text: The text, or its pieces.
        calls: What it calls, all at once.
        thinking: What it thinks first.
        finish: Another reason to end, in OpenAI's words; by default ``stop`` or ``tool_calls``.
        usage: Other figures, named as in chat completions.
    """

    text: Pieces = ""
    calls: tuple[Call, ...] = ()
    thinking: Pieces = ""
    finish: str | None = None
    usage: dict[str, Any] | None = None


@dataclass(frozen=True)
class Fail:
    """The provider refuses, or breaks down before it answers.

    With ``after`` it breaks down in a stream, after that text. ``body`` replaces what the provider would send.
    """

    status: int
    message: str = "scripted failure"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    after: Pieces = ""


@dataclass(frozen=True)
class Cut:
    """The connection breaks after ``text``."""

    text: Pieces


@dataclass(frozen=True)
class Half:
    """After ``text`` comes half of a JSON document, and the answer ends in good order."""

    text: Pieces = ""


@dataclass(frozen=True)
class Hang:
    """The provider falls silent after ``text``, until the client goes away or ``seconds`` are over: then it breaks."""

    text: Pieces = ""
    seconds: float = 30.0


@dataclass(frozen=True)
class Raw:
    """Stream chunks exactly as they are given; ``json`` is the answer to a request that does not stream."""

    chunks: tuple[dict[str, Any], ...] = ()
    json: Any = None


@dataclass(frozen=True)
class Slow:
    """Another turn with pauses: before its first piece, and between its pieces."""

    turn: Say | Fail | Cut | Half | Hang | Raw
    pause_s: float = 0.05
    first_s: float = 0.0


Turn = Say | Fail | Cut | Half | Hang | Raw | Slow


def pieces(text: Pieces) -> tuple[str, ...]:
    """The pieces in which a text is streamed."""
    if isinstance(text, tuple):
        return text
    return tuple(text[start : start + _PIECE] for start in range(0, len(text), _PIECE))


def joined(text: Pieces) -> str:
    """The whole text."""
    return "".join(pieces(text))
