"""How a scripted turn looks on the wire, in each provider's form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

#: Where a turn does not give figures; any plausible ones serve.
_PROMPT_TOKENS, _ANSWER_TOKENS = 11, 7


def chat_stream(turn: dict[str, Any], model: str) -> Iterator[str]:
    """Yield the server-sent events of chat completions."""
    for chunk in _chat_chunks(turn, model):
        yield f"data: {json.dumps(chunk)}\n\n"
    if turn["kind"] != "cut":
        yield "data: [DONE]\n\n"


def _chat_chunks(turn: dict[str, Any], model: str) -> Iterator[dict[str, Any]]:
    if turn["kind"] == "raw":
        yield from turn.get("sse") or ()
        return
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": model}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    yield chunk({"role": "assistant", "content": ""})
    for text in _texts(turn):
        yield chunk({"content": text})
    if turn["kind"] == "cut":
        return
    for index, call in enumerate(turn.get("calls", ())):
        function = {"name": call["name"], "arguments": ""}
        yield chunk({"tool_calls": [{"index": index, "id": call["id"], "type": "function", "function": function}]})
        yield chunk({"tool_calls": [{"index": index, "function": {"arguments": call["arguments"]}}]})
    yield chunk({}, _finish(turn))
    yield {**head, "choices": [], "usage": _chat_usage(turn)}


def chat_whole(turn: dict[str, Any], model: str) -> dict[str, Any]:
    """Return a chat completion that is not streamed."""
    if turn["kind"] == "raw":
        whole: dict[str, Any] = turn["json"]
        return whole
    message: dict[str, Any] = {"role": "assistant", "content": "".join(_texts(turn))}
    if turn.get("calls"):
        message["tool_calls"] = [
            {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
            for call in turn["calls"]
        ]
    choice = {"index": 0, "message": message, "finish_reason": _finish(turn)}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": model}
    return {**head, "choices": [choice], "usage": _chat_usage(turn)}


def typed_stream(events: list[dict[str, Any]]) -> Iterator[str]:
    """Yield events as Anthropic and the Responses interface send them: named by their type."""
    for event in events:
        yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"


def responses_events(turn: dict[str, Any], model: str) -> list[dict[str, Any]]:
    """Return the events of the Responses interface."""
    if turn["kind"] == "raw":
        raw: list[dict[str, Any]] = turn["sse"]
        return raw
    response: dict[str, Any] = {"id": "resp_1", "object": "response", "created_at": 0, "model": model, "output": []}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": {**response, "status": "in_progress"}}]
    place: dict[str, Any] = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    events += [{"type": "response.output_text.delta", **place, "delta": text} for text in _texts(turn)]
    if turn["kind"] == "cut":
        return events
    for index, call in enumerate(turn.get("calls", ()), 1):
        events += _function_call(index, call)
    details: dict[str, Any] = {
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    usage = {"input_tokens": _PROMPT_TOKENS, "output_tokens": _ANSWER_TOKENS, "total_tokens": 18, **details}
    if turn.get("finish") == "length":
        cut = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
        events.append({"type": "response.incomplete", "response": {**response, **cut, "usage": usage}})
    else:
        events.append({"type": "response.completed", "response": {**response, "status": "completed", "usage": usage}})
    return events


def _function_call(index: int, call: dict[str, Any]) -> Iterator[dict[str, Any]]:
    item = {"id": f"fc_{index}", "type": "function_call", "name": call["name"], "call_id": call["id"]}
    place = {"item_id": item["id"], "output_index": index}
    started = {**item, "status": "in_progress", "arguments": ""}
    done = {**item, "status": "completed", "arguments": call["arguments"]}
    yield {"type": "response.output_item.added", "output_index": index, "item": started}
    yield {"type": "response.function_call_arguments.delta", **place, "delta": call["arguments"]}
    yield {"type": "response.function_call_arguments.done", **place, "arguments": call["arguments"]}
    yield {"type": "response.output_item.done", "output_index": index, "item": done}


def messages_events(turn: dict[str, Any], model: str) -> list[dict[str, Any]]:
    """Return the events of Anthropic's messages."""
    if turn["kind"] == "raw":
        raw: list[dict[str, Any]] = turn["sse"]
        return raw
    head: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
    }
    usage = {"input_tokens": _PROMPT_TOKENS, "output_tokens": 1}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {**head, "usage": usage}}]
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    texts = _texts(turn)
    if texts:
        blocks.append(({"type": "text", "text": ""}, [{"type": "text_delta", "text": text} for text in texts]))
    for call in turn.get("calls", ()):
        block = {"type": "tool_use", "id": call["id"], "name": call["name"], "input": {}}
        blocks.append((block, [{"type": "input_json_delta", "partial_json": call["arguments"]}]))
    for index, (block, deltas) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    if turn["kind"] == "cut":
        return events
    reason = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}.get(_finish(turn), _finish(turn))
    events.append({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 7}})
    events.append({"type": "message_stop"})
    return events


def _texts(turn: dict[str, Any]) -> list[str]:
    texts: list[str] = turn.get("chunks") or turn.get("content") or []
    return texts


def _finish(turn: dict[str, Any]) -> str:
    return str(turn.get("finish") or ("tool_calls" if turn.get("calls") else "stop"))


def _chat_usage(turn: dict[str, Any]) -> dict[str, Any]:
    plausible = {"prompt_tokens": _PROMPT_TOKENS, "completion_tokens": _ANSWER_TOKENS, "total_tokens": 18}
    return turn.get("usage") or plausible
