"""Chat memory as requests use it: what was said, and a turn's hold on its conversation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from smyth.connectors.files.memory import data_url
from smyth.connectors.files.port import StoredFile
from smyth.connectors.models.port import Message
from smyth.conversation import Turn
from smyth.conversation.summary import Spoken, Summed, as_history, condense
from smyth.document.memory import MemorySettings, memory_of
from smyth.http.caller import Caller
from smyth.http.services import services
from smyth.platform.acl import Asker
from smyth.platform.conversation_records import Conversation, Owner, Summary


async def history(caller: Caller, agent_id: str, conversation_id: str, user: str | None = None) -> dict[str, Any]:
    """Return what was said in a conversation.

    Raises:
        NotFound: There is no such agent, or no such conversation of the user with it.
    """

    def read() -> list[dict[str, Any]]:
        services().agents.get(caller.tenant_id, agent_id, Asker.of(caller))
        return services().conversations.history(Owner(caller.tenant_id, agent_id, user or ""), conversation_id)

    return {"conversation_id": conversation_id, "messages": await asyncio.to_thread(read)}


class Chat:
    """A turn's hold on its conversation."""

    def __init__(
        self, conversation: Conversation, turns: Sequence[Spoken], settings: MemorySettings, holder: str
    ) -> None:
        self.id = conversation.id
        #: What the model is sent of earlier turns.
        self.history: list[Message] = as_history(conversation.summary, turns)
        self._conversation = conversation
        self._turns = turns
        self._settings = settings
        self._holder = holder
        self._summed: Summed | None = None

    @classmethod
    async def begin(
        cls, caller: Caller, agent_id: str, conversation_id: str | None, request_id: str, *, user: str | None = None
    ) -> Chat:
        """Take the conversation, waiting for another turn's end if need be.

        Args:
            caller: Whose tenant the conversation belongs to.
            agent_id: With which agent.
            conversation_id: None for a new one.
            request_id: Names the turn.
            user: Whose conversation it is; None for those that the tenant has in common.

        Raises:
            NotFound: There is no such agent, or no such conversation of the user with it.
            Conflict: The other turn takes too long.
        """
        memory = services().conversations

        def take() -> Chat:
            _, plan = services().agents.plan(caller.tenant_id, agent_id, Asker.of(caller))
            settings = memory_of(plan.document)
            owner = Owner(caller.tenant_id, agent_id, user or "")
            taken = memory.begin(owner, conversation_id, request_id, keep_days=settings.keep_days)
            try:
                turns = [Spoken(turn.number, turn.messages) for turn in memory.turns(taken)]
            except BaseException:
                memory.abandon(taken, request_id)
                raise
            return cls(taken, turns, settings, request_id)

        return await asyncio.to_thread(take)

    @classmethod
    @asynccontextmanager
    async def turn(
        cls, caller: Caller, agent_id: str, conversation_id: str | None, request_id: str, *, user: str | None = None
    ) -> AsyncIterator[Chat]:
        """Hold the conversation as :meth:`begin`; it is free again afterwards, however the turn ended."""
        chat = await cls.begin(caller, agent_id, conversation_id, request_id, user=user)
        try:
            yield chat
        except BaseException:
            await chat.abandon()
            raise

    async def condense(self, turn: Turn) -> None:
        """Sum up the oldest turns where the agent wants it and not all fit; the turn pays for that."""
        if self._settings.summary:
            model = self._settings.summary_model
            self._summed = await condense(turn, self._conversation.summary, self._turns, model=model)

    async def end(self, turn: Turn) -> None:
        """Remember the turn.

        Raises:
            Conflict: The conversation was deleted, or another turn took it over.
        """
        used = turn.used
        summary = Summary(text=self._summed.text, until=self._summed.until) if self._summed else None
        await asyncio.to_thread(
            services().conversations.end,
            self._conversation,
            self._holder,
            turn.messages,
            model=turn.model_name,
            input_tokens=used.input_tokens + used.cached_tokens,
            output_tokens=used.output_tokens,
            keep_days=self._settings.keep_days,
            summary=summary,
            names={data_url(StoredFile(one.content, one.mimetype)): one.name for one in turn.attachments},
        )

    async def abandon(self) -> None:
        """Let the next turn in; this one is not remembered."""
        await asyncio.to_thread(services().conversations.abandon, self._conversation, self._holder)

    async def renew(self) -> None:
        """Keep the conversation for a turn that takes long."""
        await asyncio.to_thread(
            services().conversations.renew, self._conversation, self._holder, keep_days=self._settings.keep_days
        )
