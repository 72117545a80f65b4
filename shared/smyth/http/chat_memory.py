"""Chat memory as requests use it: what was said, and a turn's hold on its conversation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from smyth.connectors.models.port import Message
from smyth.conversation import Turn
from smyth.http.caller import Caller
from smyth.http.services import services
from smyth.platform.conversations import Conversation


async def history(caller: Caller, agent_id: str, conversation_id: str) -> dict[str, Any]:
    """Return what was said in a conversation.

    Raises:
        NotFound: There is no such agent, or no such conversation with it.
    """

    def read() -> list[dict[str, Any]]:
        services().agents.get(caller.tenant_id, agent_id)
        return services().conversations.history(caller.tenant_id, agent_id, conversation_id)

    return {"conversation_id": conversation_id, "messages": await asyncio.to_thread(read)}


class Chat:
    """A turn's hold on its conversation."""

    def __init__(self, conversation: Conversation, history: list[Message], holder: str) -> None:
        self.id = conversation.id
        self.history = history
        self._conversation = conversation
        self._holder = holder

    @classmethod
    async def begin(cls, caller: Caller, agent_id: str, conversation_id: str | None, request_id: str) -> Chat:
        """Take the conversation, waiting for another turn's end if need be.

        Raises:
            NotFound: There is no such agent, or no such conversation with it.
            Conflict: The other turn takes too long.
        """
        memory = services().conversations

        def take() -> Chat:
            services().agents.get(caller.tenant_id, agent_id)
            conversation = memory.begin(caller.tenant_id, agent_id, conversation_id, request_id)
            return cls(conversation, memory.messages(conversation), request_id)

        return await asyncio.to_thread(take)

    @classmethod
    @asynccontextmanager
    async def turn(
        cls, caller: Caller, agent_id: str, conversation_id: str | None, request_id: str
    ) -> AsyncIterator[Chat]:
        """Hold the conversation as :meth:`begin`; it is free again afterwards, however the turn ended."""
        chat = await cls.begin(caller, agent_id, conversation_id, request_id)
        try:
            yield chat
        except BaseException:
            await chat.abandon()
            raise

    async def end(self, turn: Turn) -> None:
        """Remember the turn.

        Raises:
            Conflict: Another turn took the conversation over.
        """
        used = turn.used
        await asyncio.to_thread(
            services().conversations.end,
            self._conversation,
            self._holder,
            turn.messages,
            model=turn.model_name,
            input_tokens=used.input_tokens + used.cached_tokens,
            output_tokens=used.output_tokens,
        )

    async def abandon(self) -> None:
        """Let the next turn in; this one is not remembered."""
        await asyncio.to_thread(services().conversations.abandon, self._conversation, self._holder)

    async def renew(self) -> None:
        """Keep the conversation for a turn that takes long."""
        await asyncio.to_thread(services().conversations.renew, self._conversation, self._holder)
