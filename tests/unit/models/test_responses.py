"""OpenAI's Responses interface, over a real socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from smyth.connectors.models.catalog import Catalog, ModelEntry
from smyth.connectors.models.gateway import ModelGateway
from smyth.connectors.models.port import ModelError, ModelRequest, complete
from smyth.connectors.vault.memory import MemoryVault
from tests.peers.http_service import Asked, HttpService, Reply

TOOL = {"type": "function", "function": {"name": "f", "description": "F", "parameters": {"type": "object"}}}
USAGE = {"input_tokens": 100, "output_tokens": 10, "input_tokens_details": {"cached_tokens": 40}}


class Responses(HttpService):
    """``POST /v1/responses`` and ``/v1/files``; the events are set."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []
        self.takes_files = True

    def ends(self, *events: dict[str, Any], end: str = "completed", **members: Any) -> None:
        """Answer with ``events`` and an end."""
        answer = {"id": "r", "status": end, "output": [], "usage": USAGE, **members}
        self.events = [*events, {"type": f"response.{end}", "response": answer}]

    def answer(self, asked: Asked) -> Reply:
        """See :class:`HttpService`."""
        if asked.path == "/v1/files":
            number = sum(one.path == "/v1/files" for one in self.asked)
            return Reply({"id": f"file-{number}", "object": "file"}) if self.takes_files else Reply({}, 404)
        stream = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in self.events)
        return Reply(stream.encode(), content_type="text/event-stream")


@pytest.fixture
def server() -> Iterator[Responses]:
    with Responses() as peer:
        yield peer


def gateway(server: Responses, model: str = "gpt-4o") -> ModelGateway:
    entry = {"provider": "OpenAI", "model": model, "base_url": f"{server.url}/v1", "interface": "responses"}
    return ModelGateway(Catalog({"tested": ModelEntry.model_validate(entry)}), MemoryVault(), environment={}, retries=0)


def request(*messages: dict[str, Any], **members: Any) -> ModelRequest:
    return ModelRequest(model="tested", messages=list(messages) or [{"role": "user", "content": "Hi"}], **members)


def text(piece: str) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "item_id": "m", "delta": piece}


async def test_tools_are_offered_called_and_answered(server: Responses) -> None:
    item = {"type": "function_call", "id": "fc", "call_id": "call_a", "name": "f", "arguments": ""}
    done = {"type": "response.function_call_arguments.done", "output_index": 1, "arguments": '{"a":1}'}
    server.ends(
        text("Checking. "),
        {"type": "response.output_item.added", "output_index": 1, "item": item},
        done,
        {"type": "response.output_item.done", "output_index": 1, "item": {**item, "arguments": '{"a":1}'}},
    )
    reply = await complete(gateway(server), request(tools=[TOOL], tool_choice="auto", temperature=0.3, stop=["x"]))
    assert (reply.text, reply.reason) == ("Checking. ", "tool_calls")
    assert [(call.id, call.name, call.arguments) for call in reply.tool_calls] == [("call_a", "f", '{"a":1}')]
    assert (reply.usage.input_tokens, reply.usage.cached_tokens, reply.usage.output_tokens) == (60, 40, 10)
    flat = {"type": "function", "name": "f", "description": "F", "parameters": {"type": "object"}, "strict": False}
    assert server.asked[0].json == {
        "model": "gpt-4o", "input": [{"role": "user", "content": "Hi"}], "tools": [flat], "tool_choice": "auto",
        "temperature": 0.3, "stream": True,
    }  # fmt: skip
    calls = [{"id": "call_a", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}]
    await complete(
        gateway(server),
        request(
            {"role": "system", "content": "S"},
            {"role": "assistant", "content": "Checking. ", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "call_a", "name": "f", "content": "65000"},
            {"role": "assistant", "content": "", "tool_calls": calls},
        ),
    )
    called = {"type": "function_call", "name": "f", "arguments": '{"a":1}', "call_id": "call_a"}
    assert server.asked[1].json["input"] == [
        {"role": "system", "content": "S"},
        {"role": "assistant", "content": "Checking. "},
        called,
        {"type": "function_call_output", "call_id": "call_a", "output": "65000"},
        called,
    ]


async def test_a_search_of_the_web_is_no_call_and_is_paid_for(server: Responses) -> None:
    search = {"type": "web_search_call", "id": "ws", "status": "completed"}
    server.ends({"type": "response.output_item.done", "output_index": 0, "item": search}, text("found it"))
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    reply = await complete(
        gateway(server, "gpt-4.1"),
        request(
            {"role": "user", "content": "Search"},
            {"role": "assistant", "content": "", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "c", "name": "f", "content": "1"},
            web_search={"search_context_size": "low"}, tools=[TOOL],
        ),
    )  # fmt: skip
    assert (reply.text, reply.reason, reply.tool_calls) == ("found it", "stop", ())
    # 60 * $2 + 40 * $0.50 + 10 * $8, each per million tokens, and one search for $0.025.
    assert reply.usage.cost_micro_usd == 25_220
    body = server.asked[0].json
    assert body["tools"][1] == {"type": "web_search_preview", "search_context_size": "low"}
    assert [item.get("type", item.get("role")) for item in body["input"]] == [
        "user", "function_call", "function_call_output",
    ]  # fmt: skip


PARTS = [
    {"type": "text", "text": "Colour?"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"}},
]


async def test_files_are_handed_in_once_and_named(server: Responses) -> None:
    server.ends(text("red"))
    models = gateway(server)
    for _ in range(2):
        await complete(models, request({"role": "user", "content": PARTS}))
    assert [asked.path.rpartition("/")[2] for asked in server.asked] == ["files", "files", "responses", "responses"]
    assert b"vision" in server.asked[0].body
    assert b"user_data" in server.asked[1].body
    assert server.asked[-1].json["input"][0]["content"] == [
        {"type": "input_text", "text": "Colour?"},
        {"type": "input_image", "file_id": "file-1"},
        {"type": "input_image", "image_url": "https://example.com/a.png"},
        {"type": "input_file", "file_id": "file-2"},
    ]


async def test_files_go_along_where_they_cannot_be_handed_in(server: Responses) -> None:
    server.ends(text("red"))
    server.takes_files = False
    await complete(gateway(server), request({"role": "user", "content": PARTS}))
    image, _, file = server.asked[-1].json["input"][0]["content"][1:]
    assert image == {"type": "input_image", "image_url": PARTS[1]["image_url"]["url"]}  # type: ignore[index]
    assert file == {"type": "input_file", **PARTS[3]["file"]}  # type: ignore[dict-item]


SCHEMA = {"name": "s", "schema": {"type": "object"}}


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [
        ("json", {"type": "json_object"}),
        ({"type": "json_schema", "json_schema": SCHEMA}, {"type": "json_schema", **SCHEMA}),
    ],
)
async def test_json_is_asked_for(server: Responses, wanted: Any, sent: dict[str, Any]) -> None:
    server.ends(text("{}"))
    await complete(gateway(server), request(response_format=wanted))
    assert server.asked[0].json["text"] == {"format": sent}


async def test_thinking_and_brevity_are_asked_for(server: Responses) -> None:
    server.ends(text("x"))
    asked = request(verbosity="low", reasoning_effort="high", temperature=0.3)
    await complete(gateway(server, "gpt-5"), asked)
    body = server.asked[0].json
    assert (body["text"], body["reasoning"]) == ({"verbosity": "low"}, {"effort": "high"})
    assert "temperature" not in body


async def test_a_cut_answer_says_so(server: Responses) -> None:
    server.ends(text("cut"), end="incomplete", incomplete_details={"reason": "max_output_tokens"})
    reply = await complete(gateway(server), request())
    assert (reply.text, reply.reason) == ("cut", "length")


@pytest.mark.parametrize(
    "last",
    [
        {"type": "response.failed", "response": {"error": {"code": "server_error", "message": "It broke."}}},
        {"type": "error", "code": "server_error", "message": "It broke."},
    ],
)
async def test_a_failure_in_the_stream_is_told(server: Responses, last: dict[str, Any]) -> None:
    server.events = [text("half"), last]
    with pytest.raises(ModelError, match=r"OpenAI failed to answer\. Try again\. It said: It broke\.") as error:
        await complete(gateway(server), request())
    assert (error.value.kind, error.value.reached_provider) == ("provider", True)


async def test_a_stream_without_an_end_is_an_error(server: Responses) -> None:
    server.events = [text("half")]
    with pytest.raises(ModelError, match="broke off"):
        await complete(gateway(server), request())


async def test_parts_that_it_cannot_read_are_told(server: Responses) -> None:
    with pytest.raises(ModelError, match='type "input_audio"') as error:
        await complete(gateway(server), request({"role": "user", "content": [{"type": "input_audio"}]}))
    assert not error.value.reached_provider
