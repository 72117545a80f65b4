"""Anthropic's own interface: what goes over the wire, and what comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from smyth.connectors.models.catalog import Catalog, ModelEntry
from smyth.connectors.models.gateway import ModelGateway
from smyth.connectors.models.json_answers import INSTRUCTION
from smyth.connectors.models.port import ModelError, ModelRequest, Thinking, complete
from smyth.connectors.vault.memory import MemoryVault
from tests.peers.http_service import Asked, HttpService, Reply

KEY = "sk-ant-a-secret-of-ours"
TOOL = {"type": "function", "function": {"name": "f", "description": "F", "parameters": {"type": "object"}}}
START = {"input_tokens": 20, "output_tokens": 1, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 50}


class Anthropic(HttpService):
    """``POST /v1/messages``, streamed from a script of content blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.reason = "end_turn"
        self.blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
        self.failing: Reply | None = None
        self.last: dict[str, Any] | None = {"type": "message_stop"}

    def says(self, *texts: str) -> None:
        """Answer with a text in pieces."""
        deltas = [{"type": "text_delta", "text": text} for text in texts]
        self.blocks.append(({"type": "text", "text": ""}, deltas))

    def answer(self, asked: Asked) -> Reply:
        """See :class:`HttpService`."""
        if self.failing:
            return self.failing
        events: list[dict[str, Any]] = [{"type": "message_start", "message": {"usage": START}}, {"type": "ping"}]
        for index, (block, deltas) in enumerate(self.blocks):
            events.append({"type": "content_block_start", "index": index, "content_block": block})
            events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
            events.append({"type": "content_block_stop", "index": index})
        events.append({"type": "message_delta", "delta": {"stop_reason": self.reason}, "usage": {"output_tokens": 9}})
        if self.last:
            events.append(self.last)
        stream = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
        return Reply(stream.encode(), content_type="text/event-stream")


@pytest.fixture
def anthropic() -> Iterator[Anthropic]:
    with Anthropic() as server:
        yield server


def gateway(server: Anthropic, **entry: Any) -> ModelGateway:
    described = {"provider": "Anthropic", "model": "claude-3-haiku", "input_price": 1, "output_price": 2, **entry}
    catalog = Catalog({"tested": ModelEntry.model_validate(described)})
    vault = MemoryVault({"default": {"anthropic": KEY}})
    return ModelGateway(catalog, vault, environment={"ANTHROPIC_BASE_URL": server.url}, retries=0)


def request(*messages: dict[str, Any], **members: Any) -> ModelRequest:
    return ModelRequest(model="tested", messages=list(messages) or [{"role": "user", "content": "Hi"}], **members)


async def test_sends_the_system_text_as_text_and_only_what_was_asked(anthropic: Anthropic) -> None:
    anthropic.says("Hel", "lo")
    asked = request(
        {"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"},
        temperature=0.5, top_k=4, stop=["END"], max_tokens=99, tools=[TOOL], tool_choice="auto", seed=3,
    )  # fmt: skip
    reply = await complete(gateway(anthropic), asked)
    assert (reply.text, reply.reason) == ("Hello", "stop")
    (sent,) = anthropic.asked
    assert (sent.path, sent.headers["x-api-key"]) == ("/v1/messages", KEY)
    assert sent.json == {
        "model": "claude-3-haiku", "system": "Be kind.", "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 99, "temperature": 0.5, "top_k": 4, "stop_sequences": ["END"], "stream": True,
        "tools": [{"name": "f", "description": "F", "input_schema": {"type": "object"}}],
    }  # fmt: skip


async def test_counts_read_and_written_cache_tokens(anthropic: Anthropic) -> None:
    anthropic.says("x")
    usage = (await complete(gateway(anthropic), request())).usage
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens) == (120, 50, 9)
    assert usage.cost_micro_usd == 120 + 50 + 18


@pytest.mark.parametrize(
    ("word", "reason"),
    [("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length"), ("refusal", "content_filter")],
)
async def test_tells_why_it_stopped_in_our_words(anthropic: Anthropic, word: str, reason: str) -> None:
    anthropic.says("x")
    anthropic.reason = word
    assert (await complete(gateway(anthropic), request())).reason == reason


async def test_thoughts_come_first_and_are_sent_back_before_the_call_they_led_to(anthropic: Anthropic) -> None:
    thought = [
        {"type": "thinking_delta", "thinking": "I look "},
        {"type": "thinking_delta", "thinking": "it up"},
        {"type": "signature_delta", "signature": "sig"},
    ]
    arguments = [{"type": "input_json_delta", "partial_json": part} for part in ('{"a":', "1}")]
    call = {"type": "tool_use", "id": "tu_1", "name": "f", "input": {}}
    anthropic.blocks = [({"type": "thinking", "thinking": "", "signature": ""}, thought), (call, arguments)]
    anthropic.reason = "tool_use"
    models = gateway(anthropic)
    events = [event async for event in models.stream(request(tools=[TOOL], reasoning=True))]
    assert [event.text for event in events if isinstance(event, Thinking)] == ["I look ", "it up"]
    reply = await complete(models, request(tools=[TOOL]))
    assert [(one.id, one.name, one.arguments) for one in reply.tool_calls] == [("tu_1", "f", '{"a":1}')]
    block = {"type": "thinking", "thinking": "I look it up", "signature": "sig"}
    assert reply.thinking_blocks == (block,)
    calls = [
        {"id": "tu_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
        {"id": "tu_2", "type": "function", "function": {"name": "f", "arguments": "broken"}},
    ]
    await complete(
        models,
        request(
            {"role": "user", "content": "Price"},
            {"role": "assistant", "content": "Well. ", "tool_calls": calls, "thinking_blocks": [block]},
            {"role": "tool", "tool_call_id": "tu_1", "name": "f", "content": "65000"},
            {"role": "tool", "tool_call_id": "tu_2", "name": "f", "content": "none"},
        ),
    )
    assert anthropic.asked[-1].json["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                block,
                {"type": "text", "text": "Well. "},
                {"type": "tool_use", "id": "tu_1", "name": "f", "input": {"a": 1}},
                {"type": "tool_use", "id": "tu_2", "name": "f", "input": {"arguments": "broken"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "tu_1", "content": "65000"},
                {"type": "tool_result", "tool_use_id": "tu_2", "content": "none"},
            ],
        },
    ]


async def test_json_is_asked_for_in_words_and_begun_for_the_model(anthropic: Anthropic) -> None:
    anthropic.says('"a":', "1}")
    reply = await complete(gateway(anthropic), request(response_format="json"))
    assert reply.text == '{"a":1}'
    body = anthropic.asked[0].json
    assert body["system"] == INSTRUCTION
    assert body["messages"][-1] == {"role": "assistant", "content": "{"}


@pytest.mark.parametrize(("model", "more"), [("claude-opus-4-6", {}), ("claude-3-haiku", {"reasoning": True})])
async def test_the_answer_is_not_begun_where_the_model_refuses_that(
    anthropic: Anthropic, model: str, more: dict[str, Any]
) -> None:
    anthropic.says('{"a":1}')
    reply = await complete(gateway(anthropic, model=model), request(response_format="json", **more))
    assert reply.text == '{"a":1}'
    assert anthropic.asked[0].json["messages"][-1]["role"] == "user"


async def test_reads_pictures_and_documents(anthropic: Anthropic) -> None:
    anthropic.says("red")
    parts = [
        {"type": "text", "text": "Colour?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,BB==", "filename": "a.pdf"}},
    ]
    await complete(gateway(anthropic), request({"role": "user", "content": parts}))
    assert anthropic.asked[0].json["messages"][0]["content"] == [
        {"type": "text", "text": "Colour?"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "BB=="}},
    ]


async def test_what_claude_cannot_read_is_told_before_any_request(anthropic: Anthropic) -> None:
    with pytest.raises(ModelError, match='parts of the type "input_audio"') as error:
        await complete(gateway(anthropic), request({"role": "user", "content": [{"type": "input_audio"}]}))
    assert (error.value.kind, error.value.reached_provider, anthropic.asked) == ("invalid_request", False, [])


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", None),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ({"type": "function", "function": {"name": "f"}}, {"type": "tool", "name": "f"}),
    ],
)
async def test_a_tool_may_be_demanded(anthropic: Anthropic, choice: Any, sent: Any) -> None:
    anthropic.says("x")
    await complete(gateway(anthropic), request(tools=[TOOL], tool_choice=choice))
    assert anthropic.asked[0].json.get("tool_choice") == sent


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, "credentials"), (404, "unknown_model"), (429, "rate_limited"), (400, "invalid_request"), (529, "provider")],
)
async def test_refusals_are_told_without_the_key(anthropic: Anthropic, status: int, kind: str) -> None:
    error_body = {"type": "error", "error": {"type": "some_error", "message": f"No, {KEY} will not do."}}
    anthropic.failing = Reply(error_body, status, headers={"retry-after": "7"})
    with pytest.raises(ModelError, match=r"No, \*\*\* will not do") as error:
        await complete(gateway(anthropic), request())
    assert (error.value.kind, error.value.status, error.value.retry_after_s) == (kind, status, 7.0)
    assert KEY not in str(error.value)


@pytest.mark.parametrize(
    "last",
    [None, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}],
)
async def test_an_answer_that_breaks_off_is_an_error(anthropic: Anthropic, last: dict[str, Any] | None) -> None:
    anthropic.says("half")
    anthropic.last = last
    with pytest.raises(ModelError, match=r"Anthropic failed to answer\. Try again\.") as error:
        await complete(gateway(anthropic), request())
    assert error.value.kind == "provider"
