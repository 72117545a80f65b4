"""Requests as clients of OpenAI send them, and how their answers are read."""

from __future__ import annotations

import json
from typing import Any

from smyth.connectors.models.port import ToolCall
from tests.integration.events import Answer, Context, call

CHAT = "/v1/chat/completions"
#: A tool of the caller.
BOOK = {"type": "function", "function": {"name": "book", "parameters": {"type": "object", "properties": {}}}}
GREETS = ToolCall("g1", "greet", '{"who":"Ada"}')
BOOKS = ToolCall("b1", "book", '{"day":"monday"}')


def chat(caller: Context, model: str, message: str = "hello", **members: Any) -> Answer:
    messages = [{"role": "user", "content": message}]
    return call("POST", CHAT, caller=caller, body={"model": model, "messages": messages, **members})


def error(answer: Answer, status: int) -> dict[str, Any]:
    assert answer.status == status, answer.content
    told: dict[str, Any] = answer.json()
    assert told.keys() == {"error"}
    assert told["error"].keys() == {"message", "type", "param", "code"}
    return dict(told["error"])


def told(text: str) -> list[dict[str, Any]]:
    """The events of a stream, without the word that ends it."""
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]
