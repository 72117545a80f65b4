"""OpenAI's chat completions: https://platform.openai.com/docs/api-reference/chat."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from smyth.testing.asked import Asked, Message, Refused, forced_tool, required, text_of
from smyth.testing.openai_errors import error as error
from smyth.testing.turns import Fail, Say, joined, pieces

_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
_USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def read(body: dict[str, Any], number: int) -> Asked:
    """Read a request."""
    required(body, "model", "messages")
    if body.get("n") not in (None, 1):
        raise Refused("This server gives one choice only: leave n out.")
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_object" and "json" not in json.dumps(body["messages"]).lower():
        raise Refused(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
        )
    stop = body.get("stop") or ()
    return Asked(
        body=body,
        number=number,
        messages=tuple(_message(message, place) for place, message in enumerate(body["messages"])),
        tools={tool["function"]["name"]: tool["function"].get("parameters") or {} for tool in body.get("tools") or ()},
        forced=forced_tool(body.get("tool_choice")),
        schema=_schema(wanted),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
    )


def whole(say: Say, asked: Asked) -> dict[str, Any]:
    """The answer in one piece."""
    text = joined(say.text)
    message: dict[str, Any] = {"role": "assistant", "content": text if text or not say.calls else None, "refusal": None}
    if say.thinking:
        message["reasoning_content"] = joined(say.thinking)
    if say.calls:
        message["tool_calls"] = [
            {
                "id": call.id or f"call_{place}",
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for place, call in enumerate(say.calls, 1)
        ]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(say)}
    return {**_head(asked, "chat.completion"), "choices": [choice], "usage": say.usage or _USAGE}


def events(say: Say, asked: Asked, *, complete: bool = True) -> Iterator[str]:
    """The answer as server-sent events."""
    with_usage = bool((asked.body.get("stream_options") or {}).get("include_usage"))
    head = _head(asked, "chat.completion.chunk") | ({"usage": None} if with_usage else {})

    def event(delta: dict[str, Any], finish: str | None = None) -> str:
        return _event({**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]})

    yield event({"role": "assistant", "content": "", "refusal": None})
    for piece in pieces(say.thinking):
        yield event({"reasoning_content": piece})
    for piece in pieces(say.text):
        yield event({"content": piece})
    for index, call in enumerate(say.calls):
        function = {"name": call.name, "arguments": ""}
        opening = {"index": index, "id": call.id or f"call_{index + 1}", "type": "function", "function": function}
        yield event({"tool_calls": [opening]})
        for piece in pieces(call.arguments):
            yield event({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    if not complete:
        return
    yield event({}, _finish(say))
    if with_usage:
        yield _event({**head, "choices": [], "usage": say.usage or _USAGE})
    yield "data: [DONE]\n\n"


def raw(chunks: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Given chunks as server-sent events."""
    yield from map(_event, chunks)
    yield "data: [DONE]\n\n"


def error_event(fail: Fail) -> str:
    """A failure in the middle of a stream."""
    return _event(error(fail))


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data)}\n\n"


def _head(asked: Asked, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{asked.number}", "object": kind, "created": int(time.time()), "model": asked.model}


def _finish(say: Say) -> str:
    return say.finish or ("tool_calls" if say.calls else "stop")


def _message(message: Mapping[str, Any], place: int) -> Message:
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        raise Refused(f"Invalid value for 'messages[{place}].role'. Use one of {', '.join(_ROLES)}.")
    calls = [call["function"] for call in message.get("tool_calls") or ()]
    return Message(
        role=_ROLES[message["role"]],
        text=text_of(message.get("content")),
        calls=tuple((call["name"], call.get("arguments") or "{}") for call in calls),
    )


def _schema(wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    if wanted.get("type") == "json_schema":
        return dict((wanted.get("json_schema") or {}).get("schema") or {})
    return {} if wanted.get("type") == "json_object" else None
