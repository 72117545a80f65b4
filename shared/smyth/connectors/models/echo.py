"""The built-in model "Echo": answers what it was told, needs no network and costs nothing."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from typing import Any

from smyth.connectors.models.port import (
    Finished,
    Limits,
    Message,
    ModelError,
    ModelEvent,
    ModelRequest,
    Text,
    Usage,
    Verdict,
)
from smyth.connectors.models.tokens import request_tokens, text_tokens

#: Case matters, as in the original (compat README, quirk 91).
ECHO = "Echo"
_WORDS = re.compile(r"\s*\S+|\s+$")


def unknown_model(model: object) -> ModelError:
    """Return the error for a model that no catalogue has, in the original's words."""
    return ModelError(
        f"The model '{model}' is not available. Please try a different one.",
        kind="unknown_model",
    )


class EchoModels:
    """Answers the last user message word by word; the first message where no user spoke (models.md section 1)."""

    def limits(self, model: str | dict[str, Any]) -> Limits:
        """See :meth:`smyth.connectors.models.port.ModelPort.limits`."""
        if model != ECHO:
            raise unknown_model(model)
        return Limits()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        """See :meth:`smyth.connectors.models.port.ModelPort.stream`."""
        if request.model != ECHO:
            raise unknown_model(request.model)
        if request.guardrail:
            raise ModelError(
                "Bedrock's guardrails guard Bedrock's models only, not Echo. "
                "Remove the guardrail, or choose a model of Bedrock.",
                kind="invalid_request",
            )
        answer = _text(_answered(request.messages))
        for word in _WORDS.findall(answer):
            yield Text(word)
        yield Finished("stop", self.broken_off(request, answer))

    def broken_off(self, request: ModelRequest, reply: str) -> Usage:
        """See :meth:`smyth.connectors.models.port.ModelPort.broken_off`."""
        return Usage(model=ECHO, input_tokens=request_tokens(request), output_tokens=text_tokens(reply))

    async def moderate(self, model: str | dict[str, Any], text: str, *, team_id: str) -> Verdict:
        """See :meth:`smyth.connectors.models.port.ModelPort.moderate`; Echo has no opinion."""
        raise unknown_model(model)


def _answered(messages: list[Message]) -> Message:
    """Return the message that Echo repeats."""
    for message in reversed(messages):
        if message.get("role") == "user":
            return message
    return messages[0] if messages else {}


def _text(message: Message) -> str:
    """Return a message's text; of a message in parts, the text parts."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in content if part.get("type") == "text")
