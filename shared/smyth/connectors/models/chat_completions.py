"""OpenAI's chat completions, which most providers speak (PROTOCOL section 2).

OpenAI's own client sends and reads them. LiteLLM would bring seconds of import and several milliseconds per
request, and changes nothing about them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from smyth.connectors.models.entry import ModelEntry
from smyth.connectors.models.json_answers import native_format
from smyth.connectors.models.port import Finished, Message, ModelEvent, ModelRequest, Text, Thinking, Usage
from smyth.connectors.models.prices import priced
from smyth.connectors.models.thinking import thinking_and_search
from smyth.connectors.models.tool_calls import ToolCallAssembler

#: OpenAI's models that think always: they take no sampling.
_UNSAMPLED = ("o1", "o3", "o4", "gpt-5")
#: Models that know no system text.
_WITHOUT_SYSTEM = ("o1-mini", "o1-preview")


async def open_stream(entry: ModelEntry, request: ModelRequest, client: Any) -> Any:
    """Send the request; returns the stream of chunks once the provider began to answer."""
    return await client.chat.completions.create(
        model=entry.model,
        messages=_messages(entry, request.messages),
        stream=True,
        stream_options={"include_usage": True},
        **parameters(entry, request),
    )


def parameters(entry: ModelEntry, request: ModelRequest) -> dict[str, Any]:
    """Return the parameters of ``request`` that this model's provider takes, by its names for them."""
    provider = entry.served_by
    given = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "frequency_penalty": request.frequency_penalty,
        "presence_penalty": request.presence_penalty,
        "stop": request.stop or None,
        "seed": request.seed,
    }
    sampled = not (provider.name == "OpenAI" and unsampled(entry.model))
    sampling = {
        name: value for name, value in given.items() if name in provider.sampling and (sampled or name == "seed")
    }
    more = thinking_and_search(entry, request)
    extra = more.pop("extra_body", {})
    if request.top_k is not None and "top_k" in provider.sampling:
        extra = {**extra, "top_k": request.top_k}
    longest = provider.longest
    if provider.name == "Groq" and "reasoning_effort" in more:
        longest = "max_completion_tokens"
    wanted = {
        **sampling,
        **more,
        longest: request.max_tokens,
        "tools": request.tools or None,
        "tool_choice": request.tool_choice if request.tools else None,
        "response_format": None if entry.model.startswith("o1-preview") else native_format(request, provider),
        "extra_body": extra or None,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def unsampled(model: str) -> bool:
    """Tell whether one of OpenAI's models takes no sampling parameters."""
    return model.startswith(_UNSAMPLED) and not model.startswith(_WITHOUT_SYSTEM) and "chat" not in model


async def events(chunks: AsyncIterator[Any], entry: ModelEntry, name: str) -> AsyncIterator[ModelEvent]:
    """Read chunks as our events."""
    reason = "stop"
    figures: Any = None
    calls = ToolCallAssembler()
    async for chunk in chunks:
        figures = getattr(chunk, "usage", None) or figures
        for choice in (chunk.choices or ())[:1]:
            delta = choice.delta
            reason = choice.finish_reason or reason
            if delta is None:
                continue
            thought = getattr(delta, "reasoning_content", None) or getattr(delta, "reasoning", None)
            if isinstance(thought, str) and thought:
                yield Thinking(thought)
            if delta.content:
                yield Text(delta.content)
            for call in delta.tool_calls or ():
                calls.add(call)
    yield Finished(reason, _usage(figures, entry, name), calls.calls())


def _messages(entry: ModelEntry, messages: list[Message]) -> list[Message]:
    """Return the messages as the provider takes them."""
    messages = [{name: value for name, value in message.items() if name != "thinking_blocks"} for message in messages]
    if entry.served_by.name != "OpenAI" or not entry.model.startswith(_WITHOUT_SYSTEM):
        return messages
    system = "\n\n".join(str(message["content"]) for message in messages if message["role"] == "system")
    spoken = [message for message in messages if message["role"] != "system"]
    for at, message in enumerate(spoken):
        if system and message["role"] == "user":
            content = message["content"]
            if isinstance(content, list):
                glued: Any = [{"type": "text", "text": system}, *content]
            else:
                glued = f"{system}\n\n{content}"
            return [*spoken[:at], {**message, "content": glued}, *spoken[at + 1 :]]
    return spoken


def _usage(figures: Any, entry: ModelEntry, name: str) -> Usage:
    """Return the provider's figures with their price."""
    cached = getattr(getattr(figures, "prompt_tokens_details", None), "cached_tokens", None) or 0
    reasoning = getattr(getattr(figures, "completion_tokens_details", None), "reasoning_tokens", None) or 0
    output = getattr(figures, "completion_tokens", None) or 0
    used = Usage(
        model=name,
        input_tokens=max(0, (getattr(figures, "prompt_tokens", None) or 0) - cached),
        output_tokens=output,
        cached_tokens=cached,
    )
    return priced(entry, used, reasoning=min(reasoning, output))
