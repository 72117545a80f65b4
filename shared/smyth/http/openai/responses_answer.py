"""What ``POST /v1/responses`` answers, whole and as a stream."""

from __future__ import annotations

import json
import time
from typing import Any

from smyth.connectors.models.port import ToolCall
from smyth.conversation import Event, Turn
from smyth.conversation.events import Content, End, Start, Used
from smyth.http.billing import Charge
from smyth.http.event_stream import StreamedTurn
from smyth.http.openai.chat_answer import acted, callers_calls
from smyth.http.openai.errors import error_of
from smyth.http.openai.responses_request import ResponseRequest
from smyth.http.problems import Problem

#: Why an answer is not whole, by the model's reason.
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


def response(turn: Turn, charge: Charge, asked: ResponseRequest) -> dict[str, Any]:
    """Return a finished turn as a ``response``."""
    why = _INCOMPLETE.get(turn.reason)
    return {
        **_frame(charge, asked, int(time.time())),
        "status": "incomplete" if why else "completed",
        "incomplete_details": {"reason": why} if why else None,
        "output": _output(turn, charge, asked),
        "usage": _usage(turn.used),
        **acted(turn),
    }


class ResponseStream(StreamedTurn):
    """A turn as events of a response."""

    def __init__(self, turn: Turn, charge: Charge, asked: ResponseRequest) -> None:
        super().__init__(turn, charge)
        self._asked = asked
        self._frame = _frame(charge, asked, int(time.time()))
        self._at = {"item_id": f"msg_{charge.request_id}", "output_index": 0, "content_index": 0}
        self._number = 0
        self._speaks = False

    def told(self, event: Event) -> str:
        """See :meth:`smyth.http.event_stream.StreamedTurn.told`."""
        match event:
            case Start():
                begun = {"response": self._frame}
                return self._event("response.created", begun) + self._event("response.in_progress", begun)
            case Content(text):
                opening = "" if self._speaks else self._open_message()
                return opening + self._event("response.output_text.delta", {**self._at, "delta": text, "logprobs": []})
            case End():
                return self._end()
        return ""  # Thoughts and the agent's own skills stay on our side.

    def failure(self, problem: Problem) -> str:
        """See :meth:`smyth.http.event_stream.StreamedTurn.failure`."""
        error = error_of(problem)
        told = {name: error[name] for name in ("code", "message", "param")}
        failed = {**self._frame, "status": "failed", "error": {"code": "server_error", "message": error["message"]}}
        return self._event("error", {**told, "error": error}) + self._event("response.failed", {"response": failed})

    def _open_message(self) -> str:
        """Tell that the agent begins to speak."""
        self._speaks = True
        item = _message(self._charge, [], "in_progress")
        added = self._event("response.output_item.added", {"output_index": 0, "item": item})
        return added + self._event("response.content_part.added", {**self._at, "part": _text("")})

    def _end(self) -> str:
        """Tell that all is said: the message, the calls that the caller has to run, the whole response."""
        whole = response(self._turn, self._charge, self._asked) | {"created_at": self._frame["created_at"]}
        told: list[str] = []
        for at, item in enumerate(whole["output"]):
            if item["type"] == "message":
                told += [*([] if self._speaks else [self._open_message()]), *self._close_message(item)]
            else:
                told += self._call(at, item)
        kind = "response.completed" if whole["status"] == "completed" else "response.incomplete"
        return "".join([*told, self._event(kind, {"response": whole})])

    def _close_message(self, item: dict[str, Any]) -> list[str]:
        (part,) = item["content"]
        return [
            self._event("response.output_text.done", {**self._at, "text": part["text"], "logprobs": []}),
            self._event("response.content_part.done", {**self._at, "part": part}),
            self._event("response.output_item.done", {"output_index": 0, "item": item}),
        ]

    def _call(self, at: int, item: dict[str, Any]) -> list[str]:
        begun = {**item, "arguments": "", "status": "in_progress"}
        place = {"item_id": item["id"], "output_index": at}
        done = {**place, "name": item["name"], "arguments": item["arguments"]}
        return [
            self._event("response.output_item.added", {"output_index": at, "item": begun}),
            self._event("response.function_call_arguments.delta", {**place, "delta": item["arguments"]}),
            self._event("response.function_call_arguments.done", done),
            self._event("response.output_item.done", {"output_index": at, "item": item}),
        ]

    def _event(self, kind: str, members: dict[str, Any]) -> str:
        told = {"type": kind, "sequence_number": self._number, **members}
        self._number += 1
        return f"event: {kind}\ndata: {json.dumps(told)}\n\n"


def _output(turn: Turn, charge: Charge, asked: ResponseRequest) -> list[dict[str, Any]]:
    """Return what the agent said, and the calls that the caller has to run."""
    calls = callers_calls(turn, one=asked.parallel_tool_calls is False)
    status = "incomplete" if turn.reason in _INCOMPLETE else "completed"
    said = [_message(charge, [_text(turn.output)], status)] if turn.output or not calls else []
    return [*said, *(_function_call(call, charge, at) for at, call in enumerate(calls))]


def _message(charge: Charge, content: list[dict[str, Any]], status: str) -> dict[str, Any]:
    return {
        "type": "message",
        "id": f"msg_{charge.request_id}",
        "status": status,
        "role": "assistant",
        "content": content,
    }


def _text(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _function_call(call: ToolCall, charge: Charge, at: int) -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": f"fc_{charge.request_id}_{at}",
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
        "status": "completed",
    }


def _usage(used: Used) -> dict[str, Any]:
    tokens = used.tokens
    return {
        "input_tokens": tokens["input_tokens"],
        "input_tokens_details": {"cached_tokens": tokens["cached_tokens"]},
        "output_tokens": tokens["output_tokens"],
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": tokens["total_tokens"],
    }


def _frame(charge: Charge, asked: ResponseRequest, created: int) -> dict[str, Any]:
    """Return a response that has only begun."""
    return {
        "id": f"resp_{charge.request_id}",
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": asked.instructions,
        "max_output_tokens": asked.max_output_tokens,
        "metadata": asked.metadata or {},
        "model": asked.model,
        "output": [],
        "parallel_tool_calls": asked.parallel_tool_calls is not False,
        "previous_response_id": None,
        "reasoning": {"effort": asked.reasoning.effort if asked.reasoning else None, "summary": None},
        "store": False,
        "temperature": asked.temperature,
        "text": {"format": (asked.text and asked.text.format) or {"type": "text"}},
        "tool_choice": asked.tool_choice or "auto",
        "tools": [tool.model_dump(exclude_none=True) for tool in asked.tools or ()],
        "top_p": asked.top_p,
        "truncation": "disabled",
        "usage": None,
        "user": asked.user,
    }
