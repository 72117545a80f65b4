"""A model port that answers from a script, without network: for tests of what lies above it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

from smyth.connectors.models.echo import unknown_model
from smyth.connectors.models.port import (
    Finished,
    Limits,
    ModelError,
    ModelEvent,
    ModelRequest,
    Text,
    Thinking,
    ToolCall,
    Usage,
)


@dataclass(frozen=True)
class Reply:
    """One answer of the model; ``error`` breaks it off after its text, ``hangs`` lets it fall silent there."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    thinking: str = ""
    thinking_blocks: tuple[dict[str, Any], ...] = ()
    error: ModelError | None = None
    hangs: bool = False
    #: Why it ended; by its calls unless told.
    reason: str = ""


@dataclass
class ScriptedModels:
    """Answers each request with the next reply and keeps the requests."""

    script: deque[Reply]
    known: dict[str, Limits] = field(default_factory=lambda: {"scripted": Limits()})
    requests: list[ModelRequest] = field(default_factory=list)

    def view(self, **_: Any) -> ScriptedModels:
        """See :meth:`smyth.connectors.models.gateway.ModelGateway.view`; a script has no deadline."""
        return self

    def limits(self, model: str | dict[str, Any]) -> Limits:
        """See the port."""
        if isinstance(model, dict):
            return Limits()
        if model not in self.known:
            raise unknown_model(model)
        return self.known[model]

    def broken_off(self, request: ModelRequest, reply: str) -> Usage:
        """See the port."""
        return Usage("scripted", input_tokens=7, output_tokens=len(reply), cost_micro_usd=1)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        """See the port."""
        self.requests.append(request)
        reply = self.script.popleft()
        if reply.thinking:
            yield Thinking(reply.thinking)
        if reply.text:
            yield Text(reply.text)
        if reply.hangs:
            await asyncio.Event().wait()
        if reply.error is not None:
            raise reply.error
        usage = Usage("scripted", input_tokens=10, output_tokens=5, cached_tokens=2, cost_micro_usd=30)
        reason = reply.reason or ("tool_calls" if reply.calls else "stop")
        yield Finished(reason, usage, reply.calls, reply.thinking_blocks)


def scripted(*replies: Reply) -> ScriptedModels:
    """Return models that answer with ``replies``, in order."""
    return ScriptedModels(deque(replies))
