"""A turn as Server-Sent Events, told while it happens."""

from __future__ import annotations

import asyncio
import json
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator

from fastapi import Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from smyth.connectors.models.port import ModelError
from smyth.conversation import ConversationError, Event, Failed, Turn
from smyth.conversation.events import End, Start
from smyth.http.asks import StreamAsk
from smyth.http.billing import COST_HEADER, Charge, close_failed, note, our_fault, release, settle
from smyth.http.caller import Caller
from smyth.http.chat_memory import Chat
from smyth.http.problems import Problem, to_problem
from smyth.http.turns import open_turn, problem_of
from smyth.platform.errors import PlatformError

logger = logging.getLogger(__name__)

MEDIA_TYPE = "text/event-stream"
HEARTBEAT_S = 15.0
_HEARTBEAT = ": still at work\n\n"
_OUR_FAULT = Problem(500, "internal", "The request failed by our own fault and was not billed. Try again.")


async def open_stream(caller: Caller, agent_id: str, ask: StreamAsk, charge: Charge) -> TurnStream:
    """Begin the turn that ``ask`` wants; what can be refused is refused before the stream begins.

    Raises:
        NotFound: There is no such agent or conversation.
        Conflict: Another turn keeps the conversation.
        Problem: The model is unknown, or the message does not fit into it.
    """
    chat: Chat | None = None
    try:
        if ask.remembers:
            chat = await Chat.begin(caller, agent_id, ask.conversation_id, charge.request_id, user=ask.user)
        turn = await open_turn(caller, agent_id, ask, charge, chat.history if chat else ())
        if chat is not None:
            await chat.condense(turn)
    except BaseException as error:
        await close_failed(charge, our_fault=our_fault(error))
        if chat is not None:
            await chat.abandon()
        raise
    return TurnStream(turn, charge, chat)


class StreamedTurn(StreamingResponse, ABC):
    """Streams a turn, and leaves nothing open however it ends; how its events look is the heirs' matter.

    A finished turn is remembered and billed before its end goes out. When the
    client goes away the model is stopped, and what was used until then is billed.
    """

    def __init__(self, turn: Turn, charge: Charge, chat: Chat | None = None) -> None:
        self._turn = turn
        self._charge = charge
        self._chat = chat
        self._events = turn.events()
        self._next: asyncio.Task[Event] | None = None
        #: What went out, kept for a repetition under the same Idempotency-Key.
        self._sent: list[str] = []
        self._closing: asyncio.Task[None] | None = None
        headers = {"cache-control": "no-cache", "x-accel-buffering": "no", **charge.headers()}
        super().__init__(self._lines(), media_type=MEDIA_TYPE, headers=headers)

    @abstractmethod
    def told(self, event: Event) -> str:
        """Return the text that tells clients of ``event``; empty for what they are not told."""

    @abstractmethod
    def failure(self, problem: Problem) -> str:
        """Return the text that tells clients that the turn failed; nothing comes after it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            # Not in the generator: where the client is gone, all that it awaits is cancelled.
            await asyncio.wait({self._close(finished=False)})

    async def _lines(self) -> AsyncIterator[str]:
        """Yield the text of the stream."""
        try:
            while True:
                event = await self._next_event()
                if event is None:
                    await self._keep_alive()
                    yield _HEARTBEAT
                    continue
                text = self._kept(self.told(event))
                if isinstance(event, End):
                    await asyncio.shield(self._close(finished=True))
                    yield text
                    return
                if text:
                    yield text
        except (ModelError, ConversationError, PlatformError) as error:
            problem = to_problem(error) if isinstance(error, PlatformError) else problem_of(error)
            yield self._kept(self.failure(problem))
        except Exception:
            logger.exception("request %s failed while it was streamed", self._charge.request_id)
            self._turn.usage.clear()  # A failure of our own is not billed.
            yield self._kept(self.failure(_OUR_FAULT))

    async def _next_event(self) -> Event | None:
        """Return the next event, or None where none came for a while."""
        if self._next is None:
            self._next = asyncio.ensure_future(anext(self._events))
        done, _ = await asyncio.wait({self._next}, timeout=HEARTBEAT_S)
        if not done:
            return None
        event, self._next = self._next.result(), None
        return event

    async def _keep_alive(self) -> None:
        """Tell the ledger and the conversation that the turn is still at work; if that fails, its end will show."""
        try:
            await note(self._charge)
            if self._chat is not None:
                await self._chat.renew()
        except Exception:
            logger.exception("request %s could not tell that it is still at work", self._charge.request_id)

    def _kept(self, text: str) -> str:
        if text:
            self._sent.append(text)
        return text

    def _close(self, *, finished: bool) -> asyncio.Task[None]:
        """Return the task that ends the turn; the first call decides how."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._end_turn(finished))
        return self._closing

    async def _end_turn(self, finished: bool) -> None:
        """Stop the model, remember the turn if it ``finished``, and bill it."""
        if self._next is not None:
            self._next.cancel()
            await asyncio.wait({self._next})
        await self._events.aclose()
        if self._chat is not None:
            await self._remember(self._chat, finished)
        if finished or self._turn.usage:
            await settle(self._charge, Response("".join(self._sent), media_type=MEDIA_TYPE))
        else:
            await release(self._charge)

    async def _remember(self, chat: Chat, finished: bool) -> None:
        try:
            await (chat.end(self._turn) if finished else chat.abandon())
        except Exception as error:
            if not finished:
                logger.exception("request %s left its conversation taken", self._charge.request_id)
                return
            await close_failed(self._charge, our_fault=our_fault(error))
            raise


class TurnStream(StreamedTurn):
    """Tells the events of API.md, a JSON object each."""

    def told(self, event: Event) -> str:
        """See :meth:`StreamedTurn.told`."""
        told = event.as_json()
        if isinstance(event, Start | End):
            told["request_id"] = self._charge.request_id
            if self._chat is not None:
                told["conversation_id"] = self._chat.id
        if isinstance(event, End):
            told |= {"model": self._turn.model_name, "usage": self._turn.used.tokens}
            told["cost"] = self._charge.headers()[COST_HEADER]
        return f"data: {json.dumps(told)}\n\n"

    def failure(self, problem: Problem) -> str:
        """See :meth:`StreamedTurn.failure`."""
        return self.told(Failed(problem.code, problem.detail))
