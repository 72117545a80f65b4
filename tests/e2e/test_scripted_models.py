"""The laptop cloud carries a model provider: agents are tried without a key."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.e2e.laptop import EXAMPLES, Dev

MODELS = ("scripted", "scripted-claude")
CALL = 'call: fingerprint {"text": "Hello World"}'


def agent(dev: Dev) -> str:
    """The path of an agent with skills."""
    with dev.client() as http:
        made = http.post("/api/agents/import", json=json.loads((EXAMPLES / "assistant.smyth").read_text()))
        return f"/api/agents/{made.json()['id']}"


def streamed(http: httpx.Client, path: str, sent: dict[str, Any]) -> list[dict[str, Any]]:
    with http.stream("POST", path, json=sent) as answer:
        assert answer.status_code == 200, answer.read()
        return [json.loads(line[5:]) for line in answer.iter_lines() if line.startswith("data:")]


@pytest.mark.parametrize("model", MODELS)
def test_a_prompt_calls_a_tool_and_tells_what_it_said(dev: Dev, model: str) -> None:
    with dev.client() as http:
        answer = http.post(f"{agent(dev)}/prompt", json={"message": CALL, "model": model})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert [call["name"] for call in body["tool_calls"]] == ["fingerprint"]
    assert body["output"].startswith("TOOL SAID: ")
    assert body["usage"]["total_tokens"] > 0
    assert body["model"] == model


@pytest.mark.parametrize("model", MODELS)
def test_a_stream_calls_a_tool_and_tells_what_it_said(dev: Dev, model: str) -> None:
    with dev.client() as http:
        events = streamed(http, f"{agent(dev)}/stream", {"message": CALL, "model": model})
    kinds = [event["type"] for event in events]
    assert (kinds[0], kinds[-1]) == ("start", "end")
    assert "tool_call" in kinds
    assert "".join(event["text"] for event in events if event["type"] == "content").startswith("TOOL SAID: ")


def test_a_provider_that_breaks_off_is_told_in_the_stream(dev: Dev) -> None:
    with dev.client() as http:
        events = streamed(http, f"{agent(dev)}/stream", {"message": "cut: half an ans", "model": "scripted"})
    assert "error" in [event["type"] for event in events]
