"""The calls of one reply of the model (PROTOCOL sections 2.4 and 5)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from smyth.connectors.models.port import Message, ToolCall, Usage
from smyth.conversation.events import Content, Event, ToolAnswered, ToolCalled
from smyth.conversation.skills import read_arguments, result_text
from smyth.conversation.toolbox import Surroundings, Toolbox

#: As the original.
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class NotRun:
    """What stands in place of a result where a call is not run."""

    #: What the model reads.
    read: Any
    #: What those who listen are told.
    told: Any


_BY_ITSELF = {
    "error": "This tool did not run: it is run by the user's program. Call it again by itself, without other tools."
}
#: For a tool that the caller runs, where the model called it together with skills.
BY_ITSELF = NotRun(_BY_ITSELF, _BY_ITSELF)


@dataclass(slots=True)
class ToolRound:
    """Runs what the model called, some at once; whatever finishes first, results are in the order of the calls."""

    tools: Toolbox
    calls: tuple[ToolCall, ...]
    #: Calls that are answered without being run, by their position.
    not_run: Mapping[int, NotRun]
    usage: list[Usage]
    #: Each call with its result, once all have run.
    done: list[dict[str, Any]] = field(default_factory=list, init=False)

    async def events(self, spoken: list[Message]) -> AsyncGenerator[Event]:
        """Run the calls; closing the generator stops those at work."""
        news: asyncio.Queue[Event | None] = asyncio.Queue()
        gate = asyncio.Semaphore(_AT_ONCE)
        around = Surroundings(spoken, lambda text: news.put_nowait(Content(text)), self.usage)

        async def one(position: int, call: ToolCall) -> dict[str, Any]:
            arguments = read_arguments(call.arguments)
            if position in self.not_run:
                result = self.not_run[position].told
            else:
                async with gate:
                    news.put_nowait(ToolCalled(call.id, call.name, arguments))
                    result = await self.tools.run(call.name, arguments, around)
            news.put_nowait(ToolAnswered(call.id, call.name, result))
            return {"id": call.id, "name": call.name, "arguments": arguments, "result": result}

        work = asyncio.gather(*(one(position, call) for position, call in enumerate(self.calls)))
        work.add_done_callback(lambda _: news.put_nowait(None))
        try:
            while (event := await news.get()) is not None:
                yield event
            self.done = await work
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work

    def messages(self) -> list[Message]:
        """Return what the model reads of the results."""
        return [
            {
                "role": "tool",
                "tool_call_id": call["id"],
                "name": call["name"],
                "content": result_text(self.not_run[at].read if at in self.not_run else call["result"]),
            }
            for at, call in enumerate(self.done)
        ]


def deferred(limit: int) -> NotRun:
    """Return the answer to a call that the limit on tool calls keeps from running, in the original's words."""
    why = (
        f"maximum tool call limit ({limit}) reached for this request. This tool can be executed in a follow-up request."
    )
    return NotRun(_pending(why), _pending("limit reached"))


def _pending(why: str) -> dict[str, Any]:
    return {"status": "pending", "message": f"Tool execution deferred - {why}", "pending": True}


def limit_reached(limit: int, names: list[str]) -> Message:
    """Return what asks the model for an answer once the limit is passed, in the original's words.

    Args:
        limit: How many calls were allowed.
        names: The tools of a reply of which none ran; empty where some of its calls ran.
    """
    if names:
        told = f'({limit}). The following tools were requested but marked as "pending": {", ".join(names)}.'
    else:
        told = f'({limit}) for this request. Some tools are marked as "pending" and were not executed.'
    return {
        "role": "user",
        "content": f"You have reached the maximum number of tool calls {told} Please provide a helpful response based "
        "on the information you've gathered so far. You may acknowledge these pending tools and suggest the user can "
        "continue in a follow-up request.",
    }
