"""What ``POST /v1/chat/completions`` answers, whole and as a stream."""

from __future__ import annotations

import json
import time
from typing import Any

from smyth.connectors.models.port import ToolCall
from smyth.conversation import Event, Turn
from smyth.conversation.events import Content, End, Start, Used
from smyth.http.billing import Charge
from smyth.http.event_stream import StreamedTurn
from smyth.http.openai.chat_request import ChatCompletionRequest
from smyth.http.openai.errors import error_of
from smyth.http.problems import Problem

_REASONS = ("stop", "length", "tool_calls", "content_filter")


def completion(turn: Turn, charge: Charge, asked: ChatCompletionRequest) -> dict[str, Any]:
    """Return a finished turn as a ``chat.completion``."""
    calls = [_call(call) for call in callers_calls(turn, one=asked.parallel_tool_calls is False)]
    message: dict[str, Any] = {"role": "assistant", "content": turn.output, "refusal": None}
    if calls:
        message |= {"content": turn.output or None, "tool_calls": calls}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason(turn)}
    return {**_head(charge, asked, "chat.completion"), "choices": [choice], "usage": usage(turn.used), **acted(turn)}


class CompletionStream(StreamedTurn):
    """A turn as chunks of a chat completion."""

    def __init__(self, turn: Turn, charge: Charge, asked: ChatCompletionRequest) -> None:
        super().__init__(turn, charge)
        self._asked = asked
        self._with_usage = bool(asked.stream_options and asked.stream_options.include_usage)
        self._head = _head(charge, asked, "chat.completion.chunk")

    def told(self, event: Event) -> str:
        """See :meth:`smyth.http.event_stream.StreamedTurn.told`."""
        match event:
            case Start():
                return self._chunk({"role": "assistant", "content": ""})
            case Content(text):
                return self._chunk({"content": text})
            case End():
                return self._end()
        return ""  # Thoughts and the agent's own skills stay on our side.

    def failure(self, problem: Problem) -> str:
        """See :meth:`smyth.http.event_stream.StreamedTurn.failure`."""
        return _line({"error": error_of(problem)})

    def _end(self) -> str:
        calls = callers_calls(self._turn, one=self._asked.parallel_tool_calls is False)
        told = [self._chunk({"tool_calls": [{"index": at, **_call(call)}]}) for at, call in enumerate(calls)]
        told.append(self._chunk({}, finish_reason(self._turn), **acted(self._turn)))
        if self._with_usage:
            told.append(_line({**self._head, "choices": [], "usage": usage(self._turn.used)}))
        return "".join([*told, "data: [DONE]\n\n"])

    def _chunk(self, delta: dict[str, Any], reason: str | None = None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        chunk = {**self._head, "choices": [choice], **more}
        return _line(chunk | {"usage": None} if self._with_usage else chunk)


def callers_calls(turn: Turn, *, one: bool) -> tuple[ToolCall, ...]:
    """Return the calls that the caller has to run; who takes ``one`` at a time gets the first."""
    return turn.pending[:1] if one else turn.pending


def acted(turn: Turn) -> dict[str, Any]:
    """Return the further member that tells what the agent's guardrails did, where they did something."""
    return {"guardrails": [action.as_json() for action in turn.guardrails]} if turn.guardrails else {}


def finish_reason(turn: Turn) -> str:
    """Return why the answer ended, in OpenAI's words."""
    return turn.reason if turn.reason in _REASONS else "stop"


def usage(used: Used) -> dict[str, Any]:
    """Return what the turn used in all its provider requests."""
    tokens = used.tokens
    return {
        "prompt_tokens": tokens["input_tokens"],
        "completion_tokens": tokens["output_tokens"],
        "total_tokens": tokens["total_tokens"],
        "prompt_tokens_details": {"cached_tokens": tokens["cached_tokens"]},
    }


def _head(charge: Charge, asked: ChatCompletionRequest, kind: str) -> dict[str, Any]:
    created = int(time.time())
    return {"id": f"chatcmpl-{charge.request_id}", "object": kind, "created": created, "model": asked.model}


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _line(told: dict[str, Any]) -> str:
    return f"data: {json.dumps(told)}\n\n"
