"""What prompt, chat and stream have in common: the request's shape, the turn, the answer, the failures."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from smyth.connectors.models.port import ErrorKind, Message, ModelError
from smyth.conversation import ConversationError, Turn
from smyth.http.billing import COST_HEADER, Charge
from smyth.http.caller import Caller
from smyth.http.problems import Problem
from smyth.http.services import services
from smyth.platform.conversations import ID_PATTERN

_MOST_CHARACTERS = 400_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def _readable(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    if _CONTROL.search(text):
        raise ValueError("must not hold control characters, except tabs and line breaks, nor halves of characters")
    return text


MessageText = Annotated[str, Field(max_length=_MOST_CHARACTERS), AfterValidator(_readable)]
ConversationId = Annotated[str, Field(pattern=ID_PATTERN)]
SessionId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]
ModelName = Annotated[str, Field(min_length=1, max_length=200)]


class Ask(BaseModel):
    """The body of ``POST .../prompt``."""

    model_config = ConfigDict(extra="forbid")

    message: MessageText = Field(description="What the user says.")
    model: ModelName | dict[str, Any] | None = Field(
        default=None, description="Over the agent's own: a name, or {provider, model, base_url, credential}."
    )
    session: SessionId | None = Field(default=None, description="Ties together what skills remember.")
    variables: dict[str, Any] = Field(default_factory=dict, description="Agent variables for this request.")
    files: list[Any] = Field(default_factory=list, max_length=0, description="Not taken by this version.")


class ChatAsk(Ask):
    """The body of ``POST .../chat``."""

    conversation_id: ConversationId | None = Field(default=None, description="Leave out to begin a new conversation.")


class ChatQuery(BaseModel):
    """The query of ``GET .../chat``."""

    model_config = ConfigDict(extra="forbid")

    message: MessageText | None = Field(default=None, description="Leave out to read what was said.")
    conversation_id: ConversationId | None = Field(default=None, description="Leave out to begin a new conversation.")
    model: ModelName | None = Field(default=None, description="Over the agent's own.")
    session: SessionId | None = Field(default=None, description="Ties together what skills remember.")

    def as_ask(self, message: str) -> ChatAsk:
        """Return the same as a body."""
        return ChatAsk(message=message, conversation_id=self.conversation_id, model=self.model, session=self.session)


class StreamAsk(ChatAsk):
    """The body of ``POST .../stream``."""

    chat: bool = Field(default=False, description="Begin a conversation; one that is named is remembered anyway.")

    @property
    def remembers(self) -> bool:
        """Whether the turn belongs to a conversation."""
        return self.chat or self.conversation_id is not None


async def open_turn(caller: Caller, agent_id: str, ask: Ask, charge: Charge, history: Sequence[Message] = ()) -> Turn:
    """Return the turn that ``ask`` wants, checked; what it uses goes on ``charge``.

    Raises:
        NotFound: The tenant has no such agent.
        Problem: The model is unknown, or the message does not fit into it.
    """
    _, plan = await asyncio.to_thread(services().agents.plan, caller.tenant_id, agent_id)
    turn = Turn(
        plan,
        ask.message,
        services().ports(caller.tenant_id, public_url=caller.public_url),
        history=history,
        model=ask.model,
        session_id=ask.session,
        variables=ask.variables,
        limits=services().limits(caller.plan),
    )
    charge.usage = turn.usage
    with failures_told():
        turn.check()
    return turn


def answer(turn: Turn, charge: Charge) -> dict[str, Any]:
    """Return what a finished turn is answered with."""
    return {
        "output": turn.output,
        "tool_calls": turn.tool_calls,
        "model": turn.model_name,
        "usage": turn.used.tokens,
        "cost": charge.headers()[COST_HEADER],
        "request_id": charge.request_id,
    }


@contextmanager
def failures_told() -> Iterator[None]:
    """Turn a turn's failures into problems."""
    try:
        yield
    except (ModelError, ConversationError) as error:
        raise problem_of(error) from error


_STATUS: dict[ErrorKind, tuple[int, str]] = {
    "unknown_model": (422, "unknown_model"),
    "invalid_request": (422, "model_refused"),
    "credentials": (424, "model_credentials"),
    "rate_limited": (503, "model_busy"),
    "timeout": (504, "model_timeout"),
    "provider": (502, "model_failed"),
}


def problem_of(error: ModelError | ConversationError) -> Problem:
    """Return the problem that tells of a turn's failure."""
    if isinstance(error, ConversationError):
        return Problem(422, error.code, str(error))
    status, code = _STATUS[error.kind]
    headers = {"retry-after": "5"} if error.kind == "rate_limited" else {}
    return Problem(status, code, str(error), headers=headers)
