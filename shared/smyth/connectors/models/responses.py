"""OpenAI's Responses interface (PROTOCOL section 2.8): what is sent, and how its stream is read.

Models that search the web are asked by it too, since no other interface of OpenAI's has that search.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from smyth.connectors.models.chat_completions import unsampled
from smyth.connectors.models.entry import ModelEntry
from smyth.connectors.models.failures import ProviderFailure
from smyth.connectors.models.json_answers import wanted_schema, wants_json
from smyth.connectors.models.port import (
    Finished,
    Message,
    ModelError,
    ModelEvent,
    ModelRequest,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from smyth.connectors.models.prices import priced
from smyth.connectors.models.thinking import thinking_and_search
from smyth.connectors.models.uploads import Uploads

_LONGEST_WORDS = 500


async def open_stream(entry: ModelEntry, request: ModelRequest, client: Any, uploads: Uploads) -> Any:
    """Send the request; returns the stream of events once the provider began to answer."""
    items: list[dict[str, Any]] = []
    for message in request.messages:
        items += await _items(message, client, uploads)
    return await client.responses.create(model=entry.model, input=items, stream=True, **parameters(entry, request))


def parameters(entry: ModelEntry, request: ModelRequest) -> dict[str, Any]:
    """Return the parameters that this interface knows; it has no stop sequences, penalties or seeds (oddity 24)."""
    sampled = not unsampled(entry.model)
    tools = [_tool(tool) for tool in request.tools]
    if request.web_search is not None:
        tools.append({"type": "web_search_preview", **request.web_search})
    more = thinking_and_search(entry, request)
    text: dict[str, Any] = {}
    schema = wanted_schema(request)
    if schema is not None:
        text["format"] = {"type": "json_schema", **schema}
    elif wants_json(request):
        text["format"] = {"type": "json_object"}
    if "verbosity" in more:
        text["verbosity"] = more["verbosity"]
    given = {
        "max_output_tokens": request.max_tokens,
        "temperature": request.temperature if sampled else None,
        "top_p": request.top_p if sampled else None,
        "tools": tools or None,
        "tool_choice": _tool_choice(request) if tools else None,
        "max_tool_calls": request.max_searches,
        "text": text or None,
        "reasoning": {"effort": more["reasoning_effort"]} if "reasoning_effort" in more else None,
    }
    return {name: value for name, value in given.items() if value is not None}


async def events(
    stream: AsyncIterator[Any], entry: ModelEntry, request: ModelRequest, name: str
) -> AsyncIterator[ModelEvent]:
    """Read the provider's events as ours; searches that it made itself are no calls of tools (oddity 46).

    Raises:
        ProviderFailure: It failed while it answered, or the stream ended before the answer did.
    """
    calls: dict[Any, dict[str, Any]] = {}
    searches = 0
    async for one in stream:
        event: dict[str, Any] = one.to_dict()
        item = event.get("item") or {}
        match event.get("type"):
            case "response.output_text.delta" | "response.refusal.delta":
                yield Text(event["delta"])
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                yield Thinking(event["delta"])
            case "response.output_item.added" | "response.output_item.done" if item.get("type") == "function_call":
                calls[event.get("output_index")] = calls.get(event.get("output_index"), {}) | _filled(item)
            case "response.output_item.done" if item.get("type") == "web_search_call":
                searches += 1
            case "response.function_call_arguments.done":
                calls.setdefault(event.get("output_index"), {})["arguments"] = event["arguments"]
            case "response.completed" | "response.incomplete":
                answer = event["response"]
                size = (request.web_search or {}).get("search_context_size", "medium")
                used = _usage(answer.get("usage") or {}, entry, name, searches, size)
                yield Finished(_reason(answer, bool(calls)), used, tuple(map(_call, calls.values())))
                return
            case "response.failed" | "error":
                error = (event.get("response") or event).get("error") or event
                raise ProviderFailure(str(error.get("message", ""))[:_LONGEST_WORDS])
    raise ProviderFailure("The answer broke off.")


def _reason(answer: dict[str, Any], called: bool) -> str:
    if answer.get("status") == "incomplete" or answer.get("incomplete_details"):
        reason = (answer.get("incomplete_details") or {}).get("reason", "length")
        return "length" if reason == "max_output_tokens" else str(reason)
    return "tool_calls" if called else "stop"


def _filled(item: dict[str, Any]) -> dict[str, Any]:
    """Return the members that say something: an item is announced before its arguments are there."""
    return {name: value for name, value in item.items() if value not in (None, "")}


def _call(item: dict[str, Any]) -> ToolCall:
    return ToolCall(item.get("call_id") or item.get("id", ""), item.get("name", ""), item.get("arguments", ""))


async def _items(message: Message, client: Any, uploads: Uploads) -> list[dict[str, Any]]:
    """Return a message in the form of this interface."""
    content = message.get("content") or ""
    if message["role"] == "tool":
        return [{"type": "function_call_output", "call_id": message["tool_call_id"], "output": content}]
    if isinstance(content, list):
        content = [await _part(part, client, uploads) for part in content]
    calls = [
        {
            "type": "function_call",
            "name": call["function"]["name"],
            "arguments": call["function"]["arguments"],
            "call_id": call["id"],
        }
        for call in message.get("tool_calls") or ()
    ]
    blank = isinstance(content, str) and not content.strip()
    said = [] if calls and blank else [{"role": message["role"], "content": content}]
    return [*said, *calls]


async def _part(part: dict[str, Any], client: Any, uploads: Uploads) -> dict[str, Any]:
    """Return a part of a message; files are handed in beforehand, or go along where that fails.

    Raises:
        ModelError: The interface knows no such parts.
    """
    match part.get("type"):
        case "text":
            return {"type": "input_text", "text": part["text"]}
        case "image_url":
            address = part["image_url"]["url"]
            id = await uploads.id_of(client, address, "image", purpose="vision")
            return {"type": "input_image", **({"file_id": id} if id else {"image_url": address})}
        case "file" if part["file"].get("file_data"):
            file = part["file"]
            id = await uploads.id_of(client, file["file_data"], file.get("filename", "file"), purpose="user_data")
            return {"type": "input_file", **({"file_id": id} if id else file)}
        case "file" if part["file"].get("file_id"):
            return {"type": "input_file", "file_id": part["file"]["file_id"]}
    raise ModelError(
        f'OpenAI\'s Responses interface does not read parts of the type "{part.get("type")}". '
        "Send text, pictures or files.",
        kind="invalid_request",
    )


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    function = tool["function"]
    return {
        "type": "function",
        "name": function["name"],
        "description": function.get("description", ""),
        "parameters": function.get("parameters", {}),
        "strict": bool(function.get("strict", False)),
    }


def _tool_choice(request: ModelRequest) -> Any:
    choice = request.tool_choice or "auto"
    if isinstance(choice, dict):
        return {"type": "function", "name": choice.get("function", {}).get("name", "")}
    return choice


def _usage(figures: dict[str, Any], entry: ModelEntry, name: str, searches: int, size: str) -> Usage:
    """Return the figures with their price; cached tokens are told apart, as by chat completions (oddity 25)."""
    cached = (figures.get("input_tokens_details") or {}).get("cached_tokens") or 0
    output = figures.get("output_tokens") or 0
    reasoning = (figures.get("output_tokens_details") or {}).get("reasoning_tokens") or 0
    used = Usage(name, max(0, (figures.get("input_tokens") or 0) - cached), output, cached)
    return priced(entry, used, reasoning=min(reasoning, output), searches=searches, search_size=size)
