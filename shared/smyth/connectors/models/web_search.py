"""OpenAI's models with web search, which only its Responses interface has (PROTOCOL section 2.8)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from smyth.connectors.models.catalog import ModelEntry
from smyth.connectors.models.litellm_calls import priced
from smyth.connectors.models.port import Finished, Message, ModelError, ModelEvent, ModelRequest, Text, Usage

_PARTS = {"text": "input_text", "image_url": "input_image", "file": "input_file"}


async def open_stream(entry: ModelEntry, request: ModelRequest, client: Any) -> Any:
    """Send the request; returns the stream of events once the provider began to answer."""
    given = {
        "max_output_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "text": {"format": {"type": "json_object"}} if request.response_format == "json" else None,
    }
    return await client.responses.create(
        model=entry.model,
        input=[_item(message) for message in request.messages if message["role"] != "tool"],
        tools=[{"type": "web_search_preview", **(request.web_search or {})}],
        stream=True,
        **{name: value for name, value in given.items() if value is not None},
    )


async def events(stream: AsyncIterator[Any], entry: ModelEntry, name: str) -> AsyncIterator[ModelEvent]:
    """Read the provider's events as ours.

    Raises:
        ModelError: The provider failed while it answered.
    """
    async for event in stream:
        match event.type:
            case "response.output_text.delta":
                yield Text(event.delta)
            case "response.completed":
                yield Finished("stop", _usage(event.response.usage, entry, name))
            case "response.incomplete":
                reason = event.response.incomplete_details.reason
                told = "length" if reason == "max_output_tokens" else reason
                yield Finished(told, _usage(event.response.usage, entry, name))
            case "response.failed":
                raise ModelError(f"OpenAI failed to answer. Try again. It said: {event.response.error.message[:500]}")
            case "error":
                raise ModelError(f"OpenAI failed to answer. Try again. It said: {event.message[:500]}")


def _item(message: Message) -> dict[str, Any]:
    """Return a message in the form of this interface; calls of tools and their answers are left out."""
    content = message.get("content") or ""
    if isinstance(content, list):
        content = [_part(part) for part in content]
    return {"role": message["role"], "content": content}


def _part(part: dict[str, Any]) -> dict[str, Any]:
    kind = _PARTS[part["type"]]
    match part["type"]:
        case "text":
            return {"type": kind, "text": part["text"]}
        case "image_url":
            return {"type": kind, "image_url": part["image_url"]["url"]}
    return {"type": kind, **part["file"]}


def _usage(figures: Any, entry: ModelEntry, name: str) -> Usage:
    if figures is None:
        return Usage(name)
    cached = figures.input_tokens_details.cached_tokens if figures.input_tokens_details else 0
    return priced(entry, Usage(name, max(0, figures.input_tokens - cached), figures.output_tokens, cached))
