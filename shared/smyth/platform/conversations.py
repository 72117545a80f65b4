"""Chat memory: conversations of an agent, turn by turn.

A turn begins by taking the conversation and ends by writing the whole turn or
nothing. One turn at a time has the conversation; a second waits, so turns neither
interleave nor get lost. Who goes silent loses it when the lease ends.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from smyth.platform.errors import Conflict, NotFound
from smyth.platform.ids import is_id, new_id
from smyth.platform.times import Clock, utc_now

CONVERSATION = "cnv"
#: Turns are forgotten this long after they were spoken.
KEEP_TURNS = timedelta(days=90)
#: Longer than a buffered function lives; a stream renews it.
LEASE = timedelta(seconds=45)
#: Ids that a client may choose.
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$"

_PATIENCE_S = 10.0
#: More than any model is sent; older turns are not even read.
_MOST_CHARACTERS = 1_000_000


class Conversation(BaseModel):
    """A conversation with one agent; ``turns`` counts those that were finished."""

    model_config = ConfigDict(frozen=True)

    id: str
    tenant_id: str
    agent_id: str
    turns: int
    created_at: datetime
    updated_at: datetime


class ChatTurn(BaseModel):
    """One finished turn: the user's message, tool rounds, the answer, in OpenAI's shape."""

    model_config = ConfigDict(frozen=True)

    number: int
    messages: list[dict[str, Any]]
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    at: datetime


class Held(Exception):
    """Another turn has the conversation."""


class ConversationStore(Protocol):
    """Where conversations live."""

    def take(
        self, tenant_id: str, conversation_id: str, agent_id: str, holder: str, now: datetime, *, create: bool
    ) -> Conversation | None:
        """Give the conversation to ``holder`` until the lease ends; taking it again renews the lease.

        Returns None where there is none with this agent and ``create`` is False, or where it is another agent's.

        Raises:
            Held: Another holder has it.
        """
        ...

    def append(self, conversation: Conversation, turn: ChatTurn, holder: str) -> bool:
        """Write the turn and free the conversation; False, and nothing written, where ``holder`` lost it."""
        ...

    def free(self, conversation: Conversation, holder: str) -> None:
        """Free the conversation; one without turns goes away."""
        ...

    def get(self, tenant_id: str, conversation_id: str) -> Conversation | None:
        """Return the conversation."""
        ...

    def newest_first(self, tenant_id: str, conversation_id: str, now: datetime) -> Iterable[ChatTurn]:
        """Yield the turns that are still kept."""
        ...


class Conversations:
    """The use cases of chat memory. A foreign conversation is as unknown as one that does not exist."""

    def __init__(self, store: ConversationStore, clock: Clock = utc_now, *, patience_s: float = _PATIENCE_S) -> None:
        self._store = store
        self._now = clock
        self._patience_s = patience_s

    def begin(self, tenant_id: str, agent_id: str, conversation_id: str | None, holder: str) -> Conversation:
        """Take a conversation for a turn, waiting while another turn is at work.

        Args:
            tenant_id: Whose conversation.
            agent_id: With which agent.
            conversation_id: None for a new one. A name that the client chose is made when missing.
            holder: Names the turn.

        Raises:
            NotFound: There is no such conversation with this agent.
            Conflict: The other turn takes too long.
        """
        create = conversation_id is None or not is_id(CONVERSATION, conversation_id)
        conversation_id = conversation_id or new_id(CONVERSATION)
        deadline = time.monotonic() + self._patience_s
        while True:
            try:
                taken = self._store.take(tenant_id, conversation_id, agent_id, holder, self._now(), create=create)
            except Held:
                if time.monotonic() >= deadline:
                    raise Conflict(
                        "Another message of this conversation is still being answered. Send this one again after it.",
                        retry_after_s=2,
                    ) from None
                time.sleep(random.uniform(0.05, 0.25))  # noqa: S311 - spreads callers, guards nothing
                continue
            if taken is None:
                raise _unknown(conversation_id)
            return taken

    def renew(self, conversation: Conversation, holder: str) -> None:
        """Keep the conversation for a turn that takes long.

        Raises:
            Held: It was lost to another turn.
        """
        self._store.take(
            conversation.tenant_id, conversation.id, conversation.agent_id, holder, self._now(), create=False
        )

    def end(
        self,
        conversation: Conversation,
        holder: str,
        messages: list[dict[str, Any]],
        *,
        model: str,
        input_tokens: int,
        output_tokens: int,
    ) -> None:
        """Remember a finished turn and let the next one in.

        Raises:
            Conflict: The turn took so long that another one took the conversation over; it is not remembered.
        """
        turn = ChatTurn(
            number=conversation.turns + 1,
            messages=messages,
            model=model,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            at=self._now(),
        )
        if not self._store.append(conversation, turn, holder):
            raise Conflict("The answer took too long, and another message of this conversation overtook it. Try again.")

    def abandon(self, conversation: Conversation, holder: str) -> None:
        """Let the next turn in without remembering this one."""
        self._store.free(conversation, holder)

    def messages(self, conversation: Conversation) -> list[dict[str, Any]]:
        """Return what was said, oldest first: all of it, or as much of the newest as any model takes."""
        return [message for turn in self._turns(conversation) for message in turn.messages]

    def history(self, tenant_id: str, agent_id: str, conversation_id: str) -> list[dict[str, Any]]:
        """Return what user and agent said to each other, oldest first, for people to read.

        Raises:
            NotFound: There is no such conversation with this agent.
        """
        conversation = self._store.get(tenant_id, conversation_id)
        if conversation is None or conversation.agent_id != agent_id:
            raise _unknown(conversation_id)
        return [
            {"role": message["role"], "content": message["content"], "at": turn.at}
            for turn in self._turns(conversation)
            for message in turn.messages
            if message["role"] in ("user", "assistant") and message.get("content")
        ]

    def _turns(self, conversation: Conversation) -> list[ChatTurn]:
        turns: list[ChatTurn] = []
        room = _MOST_CHARACTERS
        for turn in self._store.newest_first(conversation.tenant_id, conversation.id, self._now()):
            room -= len(json.dumps(turn.messages))
            if turns and room < 0:
                break
            turns.append(turn)
        return turns[::-1]


def _unknown(conversation_id: str) -> NotFound:
    return NotFound(
        f"There is no conversation {conversation_id} with this agent. Leave conversation_id out to begin a new one."
    )
