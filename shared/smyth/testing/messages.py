"""Anthropic's messages: https://docs.anthropic.com/en/api/messages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from smyth.testing.asked import Asked, Message, Refused, forced_tool, required, text_of
from smyth.testing.turns import Fail, Say, joined, pieces

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
#: Stands for the proof of origin that is replayed with a thought.
_SIGNATURE = "c2NyaXB0ZWQ="


def read(body: dict[str, Any], number: int) -> Asked:
    """Read a request."""
    required(body, "model", "max_tokens", "messages")
    system = text_of(body.get("system"))
    messages = [Message("system", system)] if system else []
    for place, message in enumerate(body["messages"]):
        messages += _messages(message, place)
    return Asked(
        body=body,
        number=number,
        messages=tuple(messages),
        tools={tool["name"]: tool.get("input_schema") or {} for tool in body.get("tools") or ()},
        forced=forced_tool(body.get("tool_choice")),
        stop=tuple(body.get("stop_sequences") or ()),
        max_tokens=body["max_tokens"],
    )


def whole(say: Say, asked: Asked) -> dict[str, Any]:
    """The answer in one piece."""
    content: list[dict[str, Any]] = []
    if say.thinking:
        content.append({"type": "thinking", "thinking": joined(say.thinking), "signature": _SIGNATURE})
    if say.text:
        content.append({"type": "text", "text": joined(say.text)})
    for place, call in enumerate(say.calls, 1):
        content.append(
            {"type": "tool_use", "id": call.id or f"call_{place}", "name": call.name, "input": _input(call.arguments)}
        )
    return {**_head(asked), "content": content, "stop_reason": _reason(say), "usage": _usage(say)}


def events(say: Say, asked: Asked, *, complete: bool = True) -> Iterator[str]:
    """The answer as server-sent events."""
    usage = _usage(say)
    yield _event("message_start", message={**_head(asked), "usage": {**usage, "output_tokens": 1}})
    yield _event("ping")
    blocks = list(_blocks(say))
    for index, (opening, deltas) in enumerate(blocks):
        yield _event("content_block_start", index=index, content_block=opening)
        for delta in deltas:
            yield _event("content_block_delta", index=index, delta=delta)
        if complete or index + 1 < len(blocks):
            yield _event("content_block_stop", index=index)
    if not complete:
        return
    delta = {"stop_reason": _reason(say), "stop_sequence": None}
    yield _event("message_delta", delta=delta, usage=usage)
    yield _event("message_stop")


def raw(chunks: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Given chunks as server-sent events."""
    return (_frame(chunk) for chunk in chunks)


def error(fail: Fail) -> dict[str, Any]:
    """The body of a failure."""
    kind = _KINDS.get(fail.status, "api_error" if fail.status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": fail.message}}


def error_event(fail: Fail) -> str:
    """A failure in the middle of a stream."""
    return _frame(error(fail))


def _blocks(say: Say) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """The blocks of the answer: how each begins, and its pieces."""
    if say.thinking:
        thoughts = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(say.thinking)]
        signature = {"type": "signature_delta", "signature": _SIGNATURE}
        yield {"type": "thinking", "thinking": "", "signature": ""}, [*thoughts, signature]
    if say.text:
        yield {"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces(say.text)]
    for place, call in enumerate(say.calls, 1):
        opening = {"type": "tool_use", "id": call.id or f"call_{place}", "name": call.name, "input": {}}
        parts = ("", *pieces(call.arguments))
        yield opening, [{"type": "input_json_delta", "partial_json": part} for part in parts]


def _event(kind: str, **members: Any) -> str:
    return _frame({"type": kind, **members})


def _frame(data: Mapping[str, Any]) -> str:
    return f"event: {data.get('type', 'message')}\ndata: {json.dumps(data)}\n\n"


def _head(asked: Asked) -> dict[str, Any]:
    return {
        "id": f"msg_{asked.number}",
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _reason(say: Say) -> str:
    finish = say.finish or ("tool_calls" if say.calls else "stop")
    return _REASONS.get(finish, finish)


def _usage(say: Say) -> dict[str, int]:
    """The figures under Anthropic's names, where cached tokens are not among the input."""
    given = say.usage or {"prompt_tokens": 10, "completion_tokens": 5}
    cached = (given.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
    return {
        "input_tokens": given.get("prompt_tokens", 0) - cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "output_tokens": given.get("completion_tokens", 0),
    }


def _input(arguments: str) -> Any:
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return {}


def _messages(message: Any, place: int) -> Iterator[Message]:
    """A message; results of tools stand in a user message there, and are messages of their own here."""
    if not isinstance(message, dict) or message.get("role") not in ("user", "assistant"):
        raise Refused(f"messages.{place}.role: Input should be 'user' or 'assistant'")
    content = message.get("content") or ""
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    results = [block for block in blocks if block["type"] == "tool_result"]
    calls = tuple((block["name"], json.dumps(block["input"])) for block in blocks if block["type"] == "tool_use")
    for result in results:
        yield Message("tool", text_of(result.get("content")))
    rest = [block for block in blocks if block["type"] not in ("tool_result", "tool_use", "thinking")]
    if rest or not results:
        yield Message(message["role"], text_of(rest), calls)
