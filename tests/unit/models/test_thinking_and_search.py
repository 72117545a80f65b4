"""Settings beyond sampling: thinking, brevity, and searches that providers make themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from smyth.connectors.models.anthropic import body
from smyth.connectors.models.catalog import Catalog, ModelEntry
from smyth.connectors.models.gateway import ModelGateway
from smyth.connectors.models.port import ModelError, ModelRequest, complete
from smyth.connectors.models.thinking import thinking_and_search
from smyth.connectors.vault.memory import MemoryVault
from smyth.testing import ModelServer, Say
from tests.peers.http_service import Asked, HttpService, Reply

# LiteLLM takes seconds to import: one worker pays for all.
pytestmark = pytest.mark.xdist_group("litellm")


def request(**members: Any) -> ModelRequest:
    return ModelRequest(model="tested", messages=[{"role": "user", "content": "Hi"}], **members)


@pytest.mark.parametrize(
    ("provider", "model", "asked", "sent"),
    [
        ("OpenAI", "gpt-5", {"verbosity": "low"}, {"verbosity": "low"}),
        ("OpenAI", "gpt-5", {"reasoning_effort": "high"}, {"reasoning_effort": "high"}),
        ("OpenAI", "gpt-5-mini", {"reasoning_effort": "none"}, {}),
        ("OpenAI", "gpt-4o", {"verbosity": "low", "reasoning_effort": "high", "reasoning": True}, {}),
        ("Groq", "qwen", {"reasoning": True, "reasoning_effort": "default"}, {"reasoning_effort": "default"}),
        ("Groq", "qwen", {"reasoning_effort": "default"}, {}),
        ("GoogleAI", "gemini-3-pro", {"reasoning_effort": "low"}, {"reasoning_effort": "low"}),
        ("GoogleAI", "gemini-2.5-pro", {"reasoning_effort": "low"}, {}),
        ("xAI", "grok", {"live_search": {"mode": "on"}}, {"extra_body": {"search_parameters": {"mode": "on"}}}),
        ("OpenAI", "gpt-4o", {"live_search": {"mode": "on"}}, {}),
        ("Anthropic", "claude", {"thinking_tokens": 2000}, {}),
    ],
)  # fmt: skip
def test_models_get_what_they_know(provider: str, model: str, asked: dict[str, Any], sent: dict[str, Any]) -> None:
    given = thinking_and_search(ModelEntry(provider=provider, model=model), request(**asked))
    given.pop("allowed_openai_params", None)
    assert given == sent


@pytest.mark.parametrize(
    ("asked", "budget"),
    [
        ({"thinking_tokens": 2000, "max_tokens": 8000}, 2000),
        ({"thinking_tokens": 9000, "max_tokens": 8000}, 6400),
        ({"max_tokens": 8000}, 6400),
        ({}, 8000),
    ],
)
def test_claude_thinks_within_its_answer_and_is_not_sampled(asked: dict[str, Any], budget: int) -> None:
    entry = ModelEntry(provider="Anthropic", model="claude", max_output=10_000)
    sent = body(entry, request(reasoning=True, temperature=0.2, top_k=3, **asked))
    assert sent["thinking"] == {"type": "enabled", "budget_tokens": budget}
    assert sent["max_tokens"] == asked.get("max_tokens", 10_000)
    assert not sent.keys() & {"temperature", "top_p", "top_k"}


def gateway(base_url: str, provider: str, model: str) -> ModelGateway:
    entry = ModelEntry(provider=provider, model=model, base_url=base_url, api_key="sk-test-0123456789")
    return ModelGateway(Catalog({"tested": entry}), MemoryVault(), environment={}, retries=0)


async def test_thinking_settings_reach_the_wire() -> None:
    with ModelServer(Say("ok"), Say("ok")) as server:
        await complete(
            gateway(server.base_url, "OpenAI", "gpt-5"), request(verbosity="low", reasoning_effort="minimal")
        )
        await complete(gateway(server.base_url, "xAI", "grok-4"), request(live_search={"mode": "on"}))
    assert (server.requests[0]["verbosity"], server.requests[0]["reasoning_effort"]) == ("low", "minimal")
    assert server.requests[1]["search_parameters"] == {"mode": "on"}


class Responses(HttpService):
    """OpenAI's ``POST /v1/responses``, streamed: a search of the web, then an answer."""

    end = "response.completed"

    def answer(self, asked: Asked) -> Reply:
        if asked.path != "/v1/responses":
            return Reply({"error": {"message": "not found"}}, 404)
        whole = {
            "id": "r",
            "object": "response",
            "created_at": 1,
            "model": "gpt-4o",
            "status": "completed",
            "tools": [],
        }
        whole |= {"output": [], "parallel_tool_calls": True, "tool_choice": "auto", "error": None}
        usage = {"input_tokens": 1000, "output_tokens": 20, "total_tokens": 1020}
        usage |= {"input_tokens_details": {"cached_tokens": 400}, "output_tokens_details": {"reasoning_tokens": 0}}
        last: dict[str, Any] = {"type": self.end, "response": {**whole, "usage": usage}}
        if self.end == "response.incomplete":
            last["response"]["incomplete_details"] = {"reason": "max_output_tokens"}
        if self.end == "response.failed":
            last["response"]["error"] = {"code": "server_error", "message": "Search is down."}
        search = {"id": "ws", "type": "web_search_call", "status": "completed"}
        events = [
            {"type": "response.created", "response": whole},
            {"type": "response.output_item.done", "output_index": 0, "item": search},
            *({"type": "response.output_text.delta", "item_id": "m", "delta": text} for text in ("Sunny ", "today.")),
            last,
        ]
        stream = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
        return Reply(stream.encode(), content_type="text/event-stream")


@pytest.fixture
def responses() -> Iterator[Responses]:
    with Responses() as server:
        yield server


async def test_openai_searches_the_web_by_its_responses_interface(responses: Responses) -> None:
    search = {"search_context_size": "low", "user_location": {"type": "approximate", "city": "Oslo"}}
    parts = [
        {"type": "text", "text": "Weather?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,AA==", "filename": "a.pdf"}},
    ]
    asked = ModelRequest(
        model="tested", messages=[{"role": "system", "content": "S"}, {"role": "user", "content": parts}],
        web_search=search, max_tokens=99, temperature=0.5,
    )  # fmt: skip
    reply = await complete(gateway(f"{responses.url}/v1", "OpenAI", "gpt-4o"), asked)
    assert (reply.text, reply.reason) == ("Sunny today.", "stop")
    assert (reply.usage.input_tokens, reply.usage.cached_tokens, reply.usage.output_tokens) == (600, 400, 20)
    assert reply.usage.cost_micro_usd == 2200
    assert [asked.path for asked in responses.asked] == ["/v1/files", "/v1/files", "/v1/responses"]
    assert responses.asked[-1].json == {
        "model": "gpt-4o",
        "input": [
            {"role": "system", "content": "S"},
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "Weather?"},
                    {"type": "input_image", "image_url": "data:image/png;base64,AA=="},
                    {"type": "input_file", "file_data": "data:application/pdf;base64,AA==", "filename": "a.pdf"},
                ],
            },
        ],
        "tools": [{"type": "web_search_preview", **search}], "tool_choice": "auto",
        "max_output_tokens": 99, "temperature": 0.5, "stream": True,
    }  # fmt: skip


async def test_a_search_that_is_cut_or_fails_says_so(responses: Responses) -> None:
    models = gateway(f"{responses.url}/v1", "OpenAI", "gpt-4o")
    responses.end = "response.incomplete"
    assert (await complete(models, request(web_search={}))).reason == "length"
    responses.end = "response.failed"
    with pytest.raises(ModelError, match="Search is down"):
        await complete(models, request(web_search={}))


async def test_other_providers_answer_without_a_search() -> None:
    with ModelServer(Say("ok")) as server:
        reply = await complete(gateway(server.base_url, "TogetherAI", "llama"), request(web_search={}))
    assert reply.text == "ok"
    assert "tools" not in server.requests[0]
