"""Turns of a small agent with scripted models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from smyth.connectors.models.echo import EchoModels
from smyth.connectors.models.port import Limits, ModelEvent, ModelRequest, ToolCall, Usage
from smyth.connectors.ports import Ports
from smyth.conversation import Event, Turn
from smyth.engine import Plan
from tests.peers.scripted_models import ScriptedModels
from tests.unit.conversation.agents import agent, answering

GREETER = answering("greet", {"name": "who", "type": "Text"}, description="Greets")
#: A skill that asks Echo and passes its words through.
WRITER = {
    "components": [
        *answering("write", {"name": "topic"})["components"],
        {
            "id": "LLM",
            "name": "GenAILLM",
            "data": {"model": "Echo", "prompt": "About {{Input}}", "passthrough": True},
            "inputs": [{"name": "Input"}],
            "outputs": [{"name": "Reply", "default": True}],
        },
    ],
    "connections": [
        {"sourceId": "EP_write", "sourceIndex": 3, "targetId": "LLM", "targetIndex": 0},
        {"sourceId": "LLM", "sourceIndex": 0, "targetId": "OUT_write", "targetIndex": 0},
    ],
}


def turn(models: ScriptedModels, message: Any = "Hi", plan: Plan | None = None, **members: Any) -> Turn:
    return Turn(plan or agent(GREETER), message, Ports(models=models), **members)


async def listen(turn: Turn) -> list[Event]:
    return [event async for event in turn.events()]


def call(arguments: str = '{"who":"Ada"}', name: str = "greet", id: str = "call_1") -> ToolCall:
    return ToolCall(id, name, arguments)


class EchoBeside:
    """Echo for the skills, where so many must come ``together`` before one is answered; a script for the rest."""

    def __init__(self, models: ScriptedModels, together: int = 1) -> None:
        self.scripted = models
        self.most_at_once = 0
        self._at_once = 0
        self._barrier = asyncio.Barrier(together)

    def limits(self, model: Any) -> Limits:
        return self.scripted.limits(model)

    def broken_off(self, request: ModelRequest, reply: str) -> Usage:
        return self.scripted.broken_off(request, reply)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        if request.model != "Echo":
            async for event in self.scripted.stream(request):
                yield event
            return
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await self._barrier.wait()
        self._at_once -= 1
        async for event in EchoModels().stream(request):
            yield event
