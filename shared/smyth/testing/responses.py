"""OpenAI's responses: https://platform.openai.com/docs/api-reference/responses."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from smyth.testing.asked import Asked, Message, Refused, forced_tool, required, text_of
from smyth.testing.openai_errors import error as error
from smyth.testing.turns import Fail, Say, joined, pieces

_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}


def read(body: dict[str, Any], number: int) -> Asked:
    """Read a request."""
    required(body, "model", "input")
    items = [{"role": "user", "content": body["input"]}] if isinstance(body["input"], str) else body["input"]
    instructions = body.get("instructions")
    messages = [Message("system", instructions)] if instructions else []
    messages += [_message(item, place) for place, item in enumerate(items) if item.get("type") != "reasoning"]
    wanted = (body.get("text") or {}).get("format") or {}
    functions = [tool for tool in body.get("tools") or () if tool.get("type") == "function"]
    return Asked(
        body=body,
        number=number,
        messages=tuple(messages),
        tools={tool["name"]: tool.get("parameters") or {} for tool in functions},
        forced=forced_tool(body.get("tool_choice")),
        schema=wanted.get("schema", {}) if wanted.get("type") in ("json_schema", "json_object") else None,
        max_tokens=body.get("max_output_tokens"),
    )


def whole(say: Say, asked: Asked) -> dict[str, Any]:
    """The answer in one piece."""
    return _response(asked, _status(say), list(_items(say)), say)


def events(say: Say, asked: Asked, *, complete: bool = True) -> Iterator[str]:
    """The answer as server-sent events."""
    number = 0

    def event(kind: str, **members: Any) -> str:
        nonlocal number
        number += 1
        return _frame({"type": kind, "sequence_number": number - 1, **members})

    begun = _response(asked, "in_progress", [])
    yield event("response.created", response=begun)
    yield event("response.in_progress", response=begun)
    items = list(_items(say))
    for place, item in enumerate(items):
        started = {**item, "status": "in_progress", **_EMPTY[item["type"]]}
        yield event("response.output_item.added", output_index=place, item=started)
        last = not complete and place + 1 == len(items)
        for kind, members in _parts(item, say, ended=not last):
            yield event(kind, item_id=item["id"], output_index=place, **members)
        if not last:
            yield event("response.output_item.done", output_index=place, item=item)
    if complete:
        status = _status(say)
        yield event(f"response.{status}", response=_response(asked, status, items, say))


def raw(chunks: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Given chunks as server-sent events."""
    return (_frame(chunk) for chunk in chunks)


def error_event(fail: Fail) -> str:
    """A failure in the middle of a stream."""
    response = {"id": "resp_failed", "object": "response", "created_at": int(time.time()), "model": "", "output": []}
    said = {"code": error(fail)["error"].get("code") or "server_error", "message": fail.message}
    return _frame({"type": "response.failed", "response": {**response, "status": "failed", "error": said}})


_EMPTY: dict[str, dict[str, Any]] = {
    "message": {"content": []},
    "function_call": {"arguments": ""},
    "reasoning": {"summary": []},
}


def _items(say: Say) -> Iterator[dict[str, Any]]:
    """The items of the output."""
    if say.thinking:
        summary = [{"type": "summary_text", "text": joined(say.thinking)}]
        yield {"type": "reasoning", "id": "rs_1", "summary": summary}
    if say.text or not say.calls:
        part = {"type": "output_text", "text": joined(say.text), "annotations": []}
        yield {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
    for place, call in enumerate(say.calls, 1):
        yield {
            "type": "function_call",
            "id": f"fc_{place}",
            "call_id": call.id or f"call_{place}",
            "name": call.name,
            "arguments": call.arguments,
            "status": "completed",
        }


def _parts(item: Mapping[str, Any], say: Say, *, ended: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events inside of an item, by kind."""
    if item["type"] == "reasoning":
        for piece in pieces(say.thinking):
            yield "response.reasoning_summary_text.delta", {"summary_index": 0, "delta": piece}
    elif item["type"] == "function_call":
        for piece in pieces(item["arguments"]):
            yield "response.function_call_arguments.delta", {"delta": piece}
        if ended:
            yield "response.function_call_arguments.done", {"arguments": item["arguments"], "name": item["name"]}
    else:
        (part,) = item["content"]
        place = {"content_index": 0}
        yield "response.content_part.added", {**place, "part": {**part, "text": ""}}
        for piece in pieces(say.text):
            yield "response.output_text.delta", {**place, "delta": piece, "logprobs": []}
        if ended:
            yield "response.output_text.done", {**place, "text": part["text"], "logprobs": []}
            yield "response.content_part.done", {**place, "part": part}


def _response(asked: Asked, status: str, output: list[dict[str, Any]], say: Say | None = None) -> dict[str, Any]:
    return {
        "id": f"resp_{asked.number}",
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "error": None,
        "incomplete_details": {"reason": _incomplete(say)} if say and status == "incomplete" else None,
        "model": asked.model,
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": asked.body.get("tool_choice", "auto"),
        "tools": asked.body.get("tools") or [],
        "usage": _usage(say) if say else None,
    }


def _status(say: Say) -> str:
    return "incomplete" if say.finish in ("length", "content_filter") else "completed"


def _incomplete(say: Say) -> str:
    return "max_output_tokens" if say.finish == "length" else "content_filter"


def _usage(say: Say) -> dict[str, Any]:
    """The figures under this protocol's names."""
    given = say.usage or {"prompt_tokens": 10, "completion_tokens": 5}
    asked, said = given.get("prompt_tokens", 0), given.get("completion_tokens", 0)
    return {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": (given.get("prompt_tokens_details") or {}).get("cached_tokens", 0)},
        "output_tokens": said,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": asked + said,
    }


def _frame(data: Mapping[str, Any]) -> str:
    return f"event: {data.get('type', 'message')}\ndata: {json.dumps(data)}\n\n"


def _message(item: Mapping[str, Any], place: int) -> Message:
    if item.get("type") == "function_call":
        return Message("assistant", "", ((item["name"], item.get("arguments") or "{}"),))
    if item.get("type") == "function_call_output":
        return Message("tool", text_of(item.get("output")))
    if item.get("role") not in _ROLES:
        raise Refused(f"Invalid value for 'input[{place}].role'. Use one of {', '.join(_ROLES)}.")
    return Message(_ROLES[item["role"]], text_of(item.get("content")))
