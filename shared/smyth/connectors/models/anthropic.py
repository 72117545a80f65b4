"""Anthropic's messages interface (PROTOCOL section 2.9): what is sent, and how its stream is read."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

from smyth.connectors.models.anthropic_stream import AnthropicStream
from smyth.connectors.models.entry import ModelEntry
from smyth.connectors.models.failures import ProviderFailure
from smyth.connectors.models.json_answers import wants_json
from smyth.connectors.models.port import Message, ModelError, ModelEvent, ModelRequest
from smyth.connectors.models.prices import listed
from smyth.connectors.models.thinking import thinking_budget

_VERSION = "2023-06-01"
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,(.*)", re.DOTALL)
_CHOICES = {"none": {"type": "none"}, "required": {"type": "any"}}


async def open_stream(entry: ModelEntry, request: ModelRequest, *, client: Any, base_url: str, key: str) -> Any:
    """Send the request; returns the HTTP answer once the provider began to stream.

    Raises:
        ProviderFailure: It refused.
    """
    sent = client.build_request(
        "POST",
        f"{base_url.rstrip('/')}/v1/messages",
        json=body(entry, request),
        headers={"x-api-key": key, "anthropic-version": _VERSION},
    )
    answer = await client.send(sent, stream=True)
    if answer.status_code != 200:
        raise ProviderFailure(_told(await answer.aread()), status=answer.status_code, headers=answer.headers)
    return answer.aiter_lines()


def body(entry: ModelEntry, request: ModelRequest) -> dict[str, Any]:
    """Return the request's body."""
    longest = request.max_tokens or entry.longest_answer
    thinks = request.reasoning
    system = "\n\n".join(_plain(message) for message in request.messages if message["role"] == "system")
    given: dict[str, Any] = {
        "model": entry.model,
        "messages": _messages(request.messages),
        "max_tokens": longest,
        "system": system or None,
        "stream": True,
        "tools": [_tool(tool) for tool in request.tools] or None,
        "tool_choice": _tool_choice(request),
        "stop_sequences": request.stop or None,
    }
    if thinks:  # Which takes no sampling.
        given["thinking"] = {"type": "enabled", "budget_tokens": thinking_budget(longest, request.thinking_tokens)}
    elif "reasoning" not in entry.features:
        given |= {"temperature": request.temperature, "top_p": request.top_p, "top_k": request.top_k}
    if prefilled(entry, request):
        given["messages"] = [*given["messages"], {"role": "assistant", "content": "{"}]
    return {name: value for name, value in given.items() if value is not None}


def prefilled(entry: ModelEntry, request: ModelRequest) -> bool:
    """Tell whether the answer is begun for the model, so that it can only be JSON."""
    if not wants_json(request) or request.reasoning:
        return False
    return listed("anthropic", entry.model).get("supports_assistant_prefill") is not False


def events(lines: AsyncIterator[str], entry: ModelEntry, request: ModelRequest, name: str) -> AsyncIterator[ModelEvent]:
    """Read the provider's events as ours."""
    return AnthropicStream(entry, name, opening="{" if prefilled(entry, request) else "").events(lines)


def _messages(messages: list[Message]) -> list[dict[str, Any]]:
    """Return the conversation in Anthropic's form: results of tools in one user message per round."""
    told: list[dict[str, Any]] = []
    round_: list[dict[str, Any]] | None = None
    for message in messages:
        if message["role"] == "system":
            continue
        if message["role"] == "tool":
            if round_ is None:
                round_ = []
                told.append({"role": "user", "content": round_})
            round_.append(
                {"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": message["content"]}
            )
            continue
        round_ = None
        if message["role"] == "assistant":
            content: Any = _said(message)
        else:
            content = message["content"]
            content = [_part(part) for part in content] if isinstance(content, list) else content
        if content:  # Anthropic refuses empty messages.
            told.append({"role": message["role"], "content": content})
    return told


def _said(message: Message) -> str | list[dict[str, Any]]:
    """Return what the model said: its thoughts first, then text, then the tools it called."""
    text = _plain(message)
    calls = message.get("tool_calls") or ()
    thoughts = message.get("thinking_blocks") or ()
    if not calls and not thoughts:
        return text
    blocks = [*thoughts]
    if text.strip():
        blocks.append({"type": "text", "text": text})
    for call in calls:
        function = call["function"]
        blocks.append(
            {"type": "tool_use", "id": call["id"], "name": function["name"], "input": _object(function["arguments"])}
        )
    return blocks


def _part(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part of a user's message.

    Raises:
        ModelError: Claude does not read such parts.
    """
    match part.get("type"):
        case "text":
            return {"type": "text", "text": part["text"]}
        case "image_url":
            return {"type": "image", "source": _source(part["image_url"]["url"])}
        case "file" if part["file"].get("file_data"):
            return {"type": "document", "source": _source(part["file"]["file_data"])}
    raise ModelError(
        f'Claude does not read parts of the type "{part.get("type")}". Send text, pictures or PDF files.',
        kind="invalid_request",
    )


def _source(address: str) -> dict[str, Any]:
    found = _DATA_URL.fullmatch(address)
    if found is None:
        return {"type": "url", "url": address}
    return {"type": "base64", "media_type": found[1], "data": found[2]}


def _plain(message: Message) -> str:
    """Return a message's text."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in content if part.get("type") == "text")


def _object(arguments: str) -> dict[str, Any]:
    """Return a call's arguments as the object that Anthropic wants; what is none is shown as it came."""
    try:
        value = json.loads(arguments or "{}")
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {"arguments": arguments}


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    function = tool["function"]
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    return {"name": function["name"], "description": function.get("description", ""), "input_schema": schema}


def _tool_choice(request: ModelRequest) -> dict[str, Any] | None:
    """Return which tool must be called; nothing where the model may choose, as it does by itself."""
    choice = request.tool_choice
    if not request.tools or choice is None:
        return None
    if isinstance(choice, dict):
        return {"type": "tool", "name": choice.get("function", {}).get("name", "")}
    return _CHOICES.get(choice)


def _told(content: bytes) -> str:
    """Return the message of an error's body."""
    try:
        error = json.loads(content)["error"]
        return str(error["message"])
    except (ValueError, LookupError, TypeError):
        return content.decode(errors="replace")[:500]
