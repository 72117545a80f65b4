"""A provider request as far as it is compared, whatever the provider calls things."""

from __future__ import annotations

from typing import Any

#: Names of the token limit.
_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
#: Parameters that are compared where they were given.
_SAMPLING = (
    "temperature",
    "top_p",
    "top_k",
    "frequency_penalty",
    "presence_penalty",
    "stop",
    "seed",
    "response_format",
    "reasoning_effort",
    "verbosity",
)
_TEXT_TYPES = ("text", "input_text", "output_text")


def normal_request(body: dict[str, Any]) -> dict[str, Any]:
    """Return what of a request is compared."""
    messages = [_message(message) for message in body.get("messages") or body.get("input") or ()]
    if body.get("system"):
        messages = [{"role": "system", "content": _content(body["system"])}, *messages]
    compared: dict[str, Any] = {"model": body.get("model"), "messages": messages}
    if body.get("tools"):
        compared["tools"] = [_tool(tool) for tool in body["tools"]]
    if body.get("tool_choice") is not None:
        compared["tool_choice"] = body["tool_choice"]
    limits = [body[name] for name in _LIMITS if body.get(name) is not None]
    if limits:
        compared["token limit"] = limits[0]
    sampling = {**body, "stop": body.get("stop") or body.get("stop_sequences")}
    compared |= {name: sampling[name] for name in _SAMPLING if sampling.get(name) is not None}
    return compared


def _message(message: dict[str, Any]) -> dict[str, Any]:
    normal = {name: value for name, value in message.items() if name != "cache_control" and value is not None}
    if "role" in message:
        normal["content"] = _content(message.get("content"))
    return normal


def _content(content: Any) -> Any:
    """Return a content; one that is nothing but a text as text."""
    if not isinstance(content, list):
        return content or ""
    parts = [_part(part) for part in content]
    return parts[0]["text"] if len(parts) == 1 and parts[0].get("type") in _TEXT_TYPES else parts


def _part(part: dict[str, Any]) -> dict[str, Any]:
    normal = {name: value for name, value in part.items() if name not in ("cache_control", "is_error")}
    return {**normal, "content": _content(part["content"])} if part.get("type") == "tool_result" else normal


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    """Return name, description and parameters; a provider's own tool as it is."""
    function = tool.get("function") or tool
    parameters = function.get("parameters") or function.get("input_schema")
    if "name" not in function or parameters is None:
        return tool
    return {"name": function["name"], "description": function.get("description") or "", "parameters": parameters}
