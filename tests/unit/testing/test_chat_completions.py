"""Driven by OpenAI's own client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from pydantic import BaseModel

from smyth.testing import Call, Cut, Fail, Half, ModelServer, Raw, Say, Slow

HI = [{"role": "user", "content": "Hi"}]
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


class City(BaseModel):
    name: str
    people: int


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


def client(server: ModelServer, key: str = "any") -> openai.OpenAI:
    return openai.OpenAI(base_url=server.base_url, api_key=key, max_retries=0)


def heard(stream: openai.Stream[Any], said: list[str]) -> None:
    """Listen to a stream, and note what it says until it breaks."""
    said.extend(chunk.choices[0].delta.content or "" for chunk in stream)


def test_text_thought_calls_and_figures_come_whole(server: ModelServer) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    server.script.append(Say("Hello", (Call("look", '{"at": 1}'),), thinking="hm", usage=usage))
    answer = client(server).chat.completions.create(model="m", messages=HI)
    message = answer.choices[0].message
    assert (message.content, answer.model, answer.choices[0].finish_reason) == ("Hello", "m", "tool_calls")
    assert message.model_dump()["reasoning_content"] == "hm"
    assert message.tool_calls is not None
    assert json.loads(message.tool_calls[0].function.arguments) == {"at": 1}
    assert answer.usage is not None
    assert answer.usage.model_dump(exclude_none=True) == usage
    assert answer._request_id == "req_1"


def test_a_stream_of_calls_is_put_together_again(server: ModelServer) -> None:
    server.script.append(Say(("Let me ", "see."), (Call("look", '{"at": "here"}'), Call("look", "{}"))))
    with client(server).chat.completions.stream(model="m", messages=HI, tools=[TOOL]) as stream:
        message = stream.get_final_completion().choices[0].message
    assert message.content == "Let me see."
    assert [(call.id, call.function.arguments) for call in message.tool_calls or ()] == [
        ("call_1", '{"at": "here"}'),
        ("call_2", "{}"),
    ]


@pytest.mark.parametrize("wanted", [True, False])
def test_the_figures_come_last_and_only_when_wanted(server: ModelServer, wanted: bool) -> None:
    options = {"stream_options": {"include_usage": True}} if wanted else {}
    chunks = list(client(server).chat.completions.create(model="m", messages=HI, stream=True, **options))
    assert [bool(chunk.usage) for chunk in chunks] == [False] * (len(chunks) - 1) + [wanted]
    assert (chunks[-1].choices == []) is wanted


async def test_pieces_come_as_they_are_given(server: ModelServer) -> None:
    server.script.append(Slow(Say(("a long one, ", "b")), pause_s=0.001))
    async with openai.AsyncOpenAI(base_url=server.base_url, api_key="any") as asynchronous:
        stream = await asynchronous.chat.completions.create(model="m", messages=HI, stream=True)
        pieces = [chunk.choices[0].delta.content async for chunk in stream]
    assert [piece for piece in pieces if piece] == ["a long one, ", "b"]


def test_raw_chunks_come_as_they_are(server: ModelServer) -> None:
    choice = {"index": 0, "delta": {"content": "odd"}, "finish_reason": None}
    chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "other", "choices": [choice]}
    server.script.append(Raw((chunk,)))
    got = list(client(server).chat.completions.create(model="m", messages=HI, stream=True))
    assert [(each.model, each.choices[0].delta.content) for each in got] == [("other", "odd")]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_failures_are_those_of_the_provider(
    server: ModelServer, status: int, error: type[openai.APIStatusError], stream: bool
) -> None:
    server.script.append(Fail(status, "as told", headers={"retry-after": "7"}))
    with pytest.raises(error, match="as told") as raised:
        client(server).chat.completions.create(model="m", messages=HI, stream=stream)
    assert raised.value.response.headers["retry-after"] == "7"
    assert raised.value.response.headers["x-request-id"] == "req_1"


def test_a_failure_in_the_middle_follows_its_text(server: ModelServer) -> None:
    server.script.append(Fail(500, "went down", after="half of it"))
    stream = client(server).chat.completions.create(model="m", messages=HI, stream=True)
    said: list[str] = []
    with pytest.raises(openai.APIError, match="went down"):
        heard(stream, said)
    assert "".join(said) == "half of it"


def test_a_failure_may_be_no_json_at_all(server: ModelServer) -> None:
    server.script.append(Fail(502, body="<html>Bad Gateway</html>"))
    with pytest.raises(openai.InternalServerError, match="Bad Gateway"):
        client(server).chat.completions.create(model="m", messages=HI)


@pytest.mark.parametrize("turn", [Cut("some text"), Half("some text")])
def test_a_broken_stream_gives_its_text_first(server: ModelServer, turn: Cut | Half) -> None:
    server.script.append(turn)
    stream = client(server).chat.completions.create(model="m", messages=HI, stream=True)
    said: list[str] = []
    with pytest.raises((httpx.RemoteProtocolError, json.JSONDecodeError)):
        heard(stream, said)
    assert "".join(said) == "some text"


@pytest.mark.parametrize("turn", [Cut("some text"), Half("some text")])
def test_an_answer_in_one_piece_breaks_too(server: ModelServer, turn: Cut | Half) -> None:
    server.script.append(turn)
    with pytest.raises((openai.APIConnectionError, json.JSONDecodeError)):
        client(server).chat.completions.create(model="m", messages=HI)


def test_a_structured_answer_fits_its_schema(server: ModelServer) -> None:
    completion = client(server).chat.completions.parse(model="m", messages=HI, response_format=City)
    assert isinstance(completion.choices[0].message.parsed, City)


def test_json_is_json_and_must_be_spoken_of(server: ModelServer) -> None:
    wanted = {"type": "json_object"}
    with pytest.raises(openai.BadRequestError, match="must contain the word 'json'"):
        client(server).chat.completions.create(model="m", messages=HI, response_format=wanted)
    messages = [{"role": "user", "content": "Answer in JSON."}]
    answer = client(server).chat.completions.create(model="m", messages=messages, response_format=wanted)
    assert json.loads(answer.choices[0].message.content or "")


def test_a_key_that_is_not_the_expected_one_is_refused() -> None:
    with ModelServer(Say("in"), expect_key="right") as server:
        with pytest.raises(openai.AuthenticationError):
            client(server, "wrong").chat.completions.create(model="m", messages=HI)
        assert (
            client(server, "right").chat.completions.create(model="m", messages=HI).choices[0].message.content == "in"
        )


@pytest.mark.parametrize(
    "body",
    [
        {"model": "m"},
        {"messages": HI},
        {"model": "m", "messages": []},
        {"model": "m", "messages": "Hi"},
        {"model": "m", "messages": ["Hi"]},
        {"model": "m", "messages": [{"role": "robot", "content": "Hi"}]},
        {"model": "m", "messages": [{"role": "user", "content": [5]}]},
        {"model": "m", "messages": HI, "n": 2},
        {"model": "m", "messages": HI, "tools": [{}]},
        {"model": "m", "messages": HI, "response_format": "json"},
        [],
    ],
)
def test_requests_without_sense_are_refused(server: ModelServer, body: object) -> None:
    with pytest.raises(openai.BadRequestError):
        client(server).post("/chat/completions", body=body, cast_to=object)


def test_an_unknown_address_is_told(server: ModelServer) -> None:
    with pytest.raises(openai.NotFoundError, match="POST /v1/nothing"):
        client(server).post("/nothing", body={}, cast_to=object)
    with pytest.raises(openai.NotFoundError, match="GET /v1/nothing"):
        client(server).get("/nothing", cast_to=object)
