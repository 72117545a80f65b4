from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from smyth.connectors.models.catalog import Catalog, ModelEntry
from smyth.connectors.models.gateway import ModelGateway
from smyth.connectors.models.port import Finished, ModelError, ModelRequest, Reply, Text, Thinking, complete
from smyth.connectors.vault.memory import MemoryVault
from smyth.testing import Call, Cut, Fail, Hang, ModelServer, Raw, Say, Turn

# LiteLLM takes seconds to import: one worker pays for all.
pytestmark = pytest.mark.xdist_group("litellm")

RECORDED = Path(__file__).resolve().parents[2] / "compat/cases/fake-genai-outputs.json"
SECRET = "sk-very-secret-key-1234567890"
TOOL = {"type": "function", "function": {"name": "get_price", "description": "", "parameters": {}}}


def gateway(server: ModelServer | None = None, **settings: Any) -> ModelGateway:
    entry = {"provider": "OpenAI", "model": "gpt-4o-mini", "credential": "openai"}
    if server is not None:
        entry["base_url"] = server.base_url
    catalog = Catalog({"tested": ModelEntry.model_validate(entry)})
    vault = MemoryVault({"default": {"openai": SECRET}})
    return ModelGateway(catalog, vault, **{"environment": {}, "retries": 0, **settings})


def request(model: str | dict[str, Any] = "tested", **members: Any) -> ModelRequest:
    return ModelRequest(model=model, **{"messages": [{"role": "user", "content": "Hi"}], **members})


async def ask(*script: Turn, **members: Any) -> tuple[Reply, ModelServer]:
    with ModelServer(*script) as server:
        return await complete(gateway(server), request(**members)), server


async def failure(turn: Turn, **settings: Any) -> ModelError:
    with ModelServer(turn) as server, pytest.raises(ModelError) as error:
        await complete(gateway(server, **settings), request())
    assert SECRET not in str(error.value)
    return error.value


def chunk(*calls: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    delta: dict[str, Any] = {"role": "assistant", "tool_calls": list(calls)} if calls else {}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def piece(name: str | None, arguments: str, **more: Any) -> dict[str, Any]:
    function = {"arguments": arguments, **({"name": name} if name else {})}
    return {"type": "function", "function": function, **more}


async def test_sends_what_was_asked_and_only_that() -> None:
    _, server = await ask(Say("ok"), temperature=0.5, max_tokens=99, stop=["END"], top_p=0.9)
    assert server.requests == [
        {
            "model": "gpt-4o-mini",
            "messages": [{"role": "user", "content": "Hi"}],
            "temperature": 0.5,
            "top_p": 0.9,
            "stop": ["END"],
            "max_completion_tokens": 99,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    ]
    assert server.headers[0]["authorization"] == f"Bearer {SECRET}"


async def test_streams_thought_and_text_as_they_come() -> None:
    with ModelServer(Say("Hello wonderful world", thinking="let me see")) as server:
        events = [event async for event in gateway(server).stream(request())]
    assert "".join(event.text for event in events if isinstance(event, Thinking)) == "let me see"
    assert [event.text for event in events if isinstance(event, Text)] == ["Hello wo", "nderful ", "world"]
    assert isinstance(events[-1], Finished)
    assert events[-1].reason == "stop"


async def test_counts_cached_tokens_apart_and_prices_all() -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 50, "prompt_tokens_details": {"cached_tokens": 896}}
    reply, _ = await ask(Say("ok", usage=usage))
    assert (reply.usage.input_tokens, reply.usage.cached_tokens, reply.usage.output_tokens) == (104, 896, 50)
    # 104 * $0.15 + 896 * $0.075 + 50 * $0.60, each per million tokens.
    assert reply.usage.cost_micro_usd == 113
    assert reply.usage.model == "tested"


async def test_a_model_without_a_price_costs_nothing() -> None:
    with ModelServer(Say("ok")) as server:
        inline = {"provider": "OpenAI", "model": "nobody-sells-this", "base_url": server.base_url}
        reply = await complete(gateway(allow_private=True), request(inline))
    assert reply.usage.cost_micro_usd == 0
    assert reply.usage.input_tokens == 10


async def test_assembles_a_tool_call_from_its_pieces() -> None:
    reply, server = await ask(Say("Checking.", calls=(Call("get_price", '{"coin_id":"bitcoin"}'),)), tools=[TOOL])
    assert server.requests[0]["tools"] == [TOOL]
    assert reply.text == "Checking."
    assert reply.reason == "tool_calls"
    assert [(call.id, call.name, call.arguments) for call in reply.tool_calls] == [
        ("call_1", "get_price", '{"coin_id":"bitcoin"}')
    ]


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        pytest.param(
            (chunk(piece("f", "{}", index=0, id="a"), piece("g", "[]", index=1, id="b")),),
            [("a", "f", "{}"), ("b", "g", "[]")],
            id="several in one chunk",
        ),
        pytest.param(
            (chunk(piece("f", "{}", index=0, id="a")), chunk(piece("g", "[]", index=1, id="b"))),
            [("a", "f", "{}"), ("b", "g", "[]")],
            id="one chunk each",
        ),
        pytest.param((chunk(piece("f", "{}")),), [("call_1", "f", "{}")], id="neither index nor id"),
        pytest.param(
            (chunk(piece("f", "{}", id="a")), chunk(piece("g", "[]", id="b"))),
            [("a", "f", "{}"), ("b", "g", "[]")],
            id="no index, different ids",
        ),
        pytest.param(
            (chunk(piece("f", "{}")), chunk(piece("g", "[]"))),
            [("call_1", "f", "{}"), ("call_2", "g", "[]")],
            id="no index, no ids, different names",
        ),
        pytest.param(
            (chunk(piece("f", '{"a"', index=0, id="a")), chunk(piece("f", ":1}", index=0, id="a"))),
            [("a", "f", '{"a":1}')],
            id="id and name repeated with every piece",
        ),
    ],
)
async def test_understands_every_way_to_stream_tool_calls(
    chunks: tuple[dict[str, Any], ...], expected: list[tuple[str, str, str]]
) -> None:
    reply, _ = await ask(Raw((*chunks, chunk(finish="tool_calls"))), tools=[TOOL])
    assert [(call.id, call.name, call.arguments) for call in reply.tool_calls] == expected


async def test_asks_for_json_in_words_and_by_parameter() -> None:
    _, server = await ask(Say("{}"), response_format="json")
    body = server.requests[0]
    assert body["response_format"] == {"type": "json_object"}
    recorded = json.loads(RECORDED.read_text())["requests"][0]["expect"]["data"]["r"][0]
    assert body["messages"] == [recorded, {"role": "user", "content": "Hi"}]


async def test_the_words_for_json_follow_the_system_text() -> None:
    recorded = json.loads(RECORDED.read_text())["requests"][0]["expect"]["data"]["r"][0]["content"]
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]
    _, server = await ask(Say("{}"), response_format="json", messages=messages)
    assert server.requests[0]["messages"][0]["content"] == f"Be kind.{recorded}"


@pytest.mark.parametrize(
    ("turn", "kind", "words"),
    [
        (Fail(401, f"Incorrect API key provided: {SECRET}"), "credentials", 'vault entry "openai"'),
        (Fail(403, "no"), "credentials", "refused the key"),
        (Fail(404, "no such model"), "unknown_model", "no such model"),
        (Fail(400, "messages must not be empty"), "invalid_request", "It said: messages must not be empty"),
        (Fail(429, "slow down"), "rate_limited", "Wait a moment"),
        (Fail(500, "boom"), "provider", "Try again"),
        (Fail(503, "down"), "provider", "It said: down"),
    ],
)
async def test_tells_what_the_provider_said_and_what_to_do(turn: Fail, kind: str, words: str) -> None:
    error = await failure(turn)
    assert error.kind == kind
    assert error.status == turn.status
    assert words in str(error)
    assert "litellm" not in str(error).lower()


async def test_a_stream_that_breaks_is_an_error_after_its_text() -> None:
    with ModelServer(Cut("half an answer")) as server:
        stream = aiter(gateway(server).stream(request()))
        assert [await anext(stream), await anext(stream)] == [Text("half an "), Text("answer")]
        with pytest.raises(ModelError) as error:
            await anext(stream)
    assert error.value.kind == "provider"


async def test_a_broken_stream_is_never_asked_again() -> None:
    with ModelServer(Cut("half"), Say("whole")) as server:
        with pytest.raises(ModelError):
            await complete(gateway(server, retries=2), request())
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_asks_again_when_that_may_help(status: int) -> None:
    with ModelServer(Fail(status, headers={"retry-after": "0"}), Say("second time")) as server:
        reply = await complete(gateway(server, retries=1), request())
    assert reply.text == "second time"


async def test_gives_up_after_the_last_attempt() -> None:
    busy = Fail(429, headers={"retry-after-ms": "1"})
    with ModelServer(busy, busy, busy, Say("too late")) as server:
        with pytest.raises(ModelError):
            await complete(gateway(server, retries=2), request())
        assert len(server.requests) == 3


async def test_does_not_wait_for_a_provider_that_wants_a_long_pause() -> None:
    with ModelServer(Fail(429, headers={"retry-after": "3600"}), Say("never")) as server:
        with pytest.raises(ModelError):
            await complete(gateway(server, retries=2), request())
        assert len(server.requests) == 1


async def test_does_not_repeat_what_was_refused() -> None:
    with ModelServer(Fail(400), Say("never")) as server:
        with pytest.raises(ModelError):
            await complete(gateway(server, retries=2), request())
        assert len(server.requests) == 1


async def test_a_silent_provider_is_left_after_a_while() -> None:
    with ModelServer(Hang("first ")) as server:
        with pytest.raises(ModelError) as error:
            await complete(gateway(server, timeout_s=0.2), request())
        assert error.value.kind == "timeout"
        assert await asyncio.to_thread(server.client_left.wait, 5)


async def test_leaving_the_stream_stops_the_provider() -> None:
    with ModelServer(Hang("some text")) as server:
        stream = gateway(server).stream(request())
        assert isinstance(await anext(aiter(stream)), Text)
        await stream.aclose()  # type: ignore[attr-defined]
        assert await asyncio.to_thread(server.client_left.wait, 5)


async def test_an_unreachable_provider_is_an_error() -> None:
    with ModelServer() as server:
        gone = server.base_url
    entry = ModelEntry(provider="OpenAI", model="m", base_url=gone)
    models = ModelGateway(Catalog({"tested": entry}), MemoryVault(), environment={}, retries=0)
    with pytest.raises(ModelError) as error:
        await complete(models, request())
    assert error.value.kind == "provider"


async def test_prices_a_reply_that_was_broken_off() -> None:
    used = gateway().broken_off(request(), "four token text.")
    assert used.output_tokens == 4
    assert used.input_tokens > 0
    assert used.cost_micro_usd > 0


async def test_echo_needs_no_provider() -> None:
    reply = await complete(gateway(), request("Echo"))
    assert reply.text == "Hi"
    assert reply.usage.cost_micro_usd == 0
