"""Driven by LiteLLM as a client of Anthropic."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from smyth.connectors.models.litellm_calls import litellm
from smyth.testing import Call, Fail, ModelServer, Say

# LiteLLM takes seconds to import: one worker pays for all.
pytestmark = pytest.mark.xdist_group("litellm")

HI = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
USAGE = {"prompt_tokens": 30, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 20}}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


def ask(server: ModelServer, **options: Any) -> Any:
    settings = {"api_base": server.url, "api_key": "any", "max_retries": 0, "_skip_mcp_handler": True}
    return litellm().completion(model="anthropic/claude-x", **{"messages": HI, "max_tokens": 99, **settings, **options})


def test_text_thought_calls_and_figures_come_whole(server: ModelServer) -> None:
    server.script.append(Say("Hello", (Call("look", '{"at": 1}'),), thinking="hm", usage=USAGE))
    answer = ask(server, tools=[TOOL])
    message = answer.choices[0].message
    assert (message.content, message.reasoning_content) == ("Hello", "hm")
    assert message.thinking_blocks[0]["signature"]
    assert [(call.id, call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls] == [
        ("call_1", "look", {"at": 1})
    ]
    assert answer.choices[0].finish_reason == "tool_calls"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (30, 9)
    assert answer.usage.prompt_tokens_details.cached_tokens == 20
    assert server.paths == ["/v1/messages"]
    assert server.requests[0]["messages"][0]["role"] == "user"
    assert server.headers[0]["x-api-key"] == "any"


def test_a_stream_is_put_together_again(server: ModelServer) -> None:
    server.script.append(Say("Let me see.", (Call("look", '{"at": "here"}'),), thinking="hm, hm", usage=USAGE))
    chunks = list(ask(server, tools=[TOOL], stream=True, stream_options={"include_usage": True}))
    answer = litellm().stream_chunk_builder(chunks, messages=HI)
    message = answer.choices[0].message
    assert (message.content, message.reasoning_content) == ("Let me see.", "hm, hm")
    assert [(call.function.name, call.function.arguments) for call in message.tool_calls] == [
        ("look", '{"at": "here"}')
    ]
    assert answer.usage.completion_tokens == 9


def test_a_tools_answer_is_told_on(server: ModelServer) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    messages = [
        *HI,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "a tree"},
    ]
    assert ask(server, messages=messages, tools=[TOOL]).choices[0].message.content == "TOOL SAID: a tree"


def test_a_tool_that_must_be_called_is_called(server: ModelServer) -> None:
    answer = ask(server, tools=[TOOL], tool_choice="required")
    assert answer.choices[0].message.tool_calls[0].function.name == "look"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (404, "NotFoundError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
        (529, "InternalServerError"),
    ],
)
def test_failures_are_those_of_the_provider(server: ModelServer, status: int, error: str) -> None:
    server.script.append(Fail(status, "as told"))
    with pytest.raises(getattr(litellm(), error), match="as told"):
        ask(server)


def test_a_failure_in_the_middle_follows_its_text(server: ModelServer) -> None:
    server.script.append(Fail(529, "too busy", after="half of it"))
    stream, said = ask(server, stream=True), []
    with pytest.raises(Exception, match="too busy"):
        said.extend(chunk.choices[0].delta.content or "" for chunk in stream)
    assert "".join(said) == "half of it"


def test_events_come_in_anthropics_order(server: ModelServer) -> None:
    server.script.append(Say("Hi", (Call("look"),)))
    asked = {"model": "m", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    answer = httpx.post(f"{server.url}/v1/messages", json=asked).text
    kinds = [line.removeprefix("event: ") for line in answer.splitlines() if line.startswith("event: ")]
    block = ["content_block_start", "content_block_delta", "content_block_stop"]
    of_call = [block[0], block[1], block[1], block[2]]
    assert kinds == ["message_start", "ping", *block, *of_call, "message_delta", "message_stop"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"messages": [{"role": "system", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "has not the type"),
    ],
)
def test_requests_without_sense_are_refused(server: ModelServer, wrong: dict[str, Any], words: str) -> None:
    asked = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], **wrong}
    answer = httpx.post(f"{server.url}/v1/messages", json=asked)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert words in answer.json()["error"]["message"]


def test_a_key_that_is_not_the_expected_one_is_refused() -> None:
    with ModelServer(Say("in"), expect_key="right") as server:
        with pytest.raises(litellm().AuthenticationError):
            ask(server, api_key="wrong")
        assert ask(server, api_key="right").choices[0].message.content == "in"
