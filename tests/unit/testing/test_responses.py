"""Driven by OpenAI's own client."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import openai
import pytest
from pydantic import BaseModel

from smyth.testing import Call, Cut, Fail, ModelServer, Raw, Say

TOOL = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}, "strict": False}


class City(BaseModel):
    name: str
    people: int


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


def client(server: ModelServer) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.base_url, api_key="any", max_retries=0)


def test_text_thought_calls_and_figures_come_whole(server: ModelServer) -> None:
    server.script.append(Say("Hello", (Call("look", '{"at": 1}'),), thinking="hm"))
    answer = client(server).responses.create(model="m", input="Hi", tools=[TOOL])
    assert (answer.output_text, answer.status) == ("Hello", "completed")
    assert [item.type for item in answer.output] == ["reasoning", "message", "function_call"]
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (10, 5)


def test_a_stream_is_put_together_again(server: ModelServer) -> None:
    server.script.append(Say("Let me see.", (Call("look", '{"at": "here"}'),)))
    with client(server).responses.stream(model="m", input="Hi", tools=[TOOL]) as stream:
        events = [event.type for event in stream]
        answer = stream.get_final_response()
    assert answer.output_text == "Let me see."
    assert [(item.name, item.arguments) for item in answer.output if item.type == "function_call"] == [
        ("look", '{"at": "here"}')
    ]
    assert (events[0], events[-1]) == ("response.created", "response.completed")


def test_a_tools_answer_is_told_on(server: ModelServer) -> None:
    asked = [
        {"role": "user", "content": "Look"},
        {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "a tree"},
    ]
    assert client(server).responses.create(model="m", input=asked).output_text == "TOOL SAID: a tree"


def test_an_answer_that_is_too_long_is_incomplete(server: ModelServer) -> None:
    answer = client(server).responses.create(model="m", input="reply: 0123456789", max_output_tokens=2)
    assert (answer.status, answer.output_text) == ("incomplete", "01234567")
    assert answer.incomplete_details is not None
    assert answer.incomplete_details.reason == "max_output_tokens"


def test_a_structured_answer_fits_its_schema(server: ModelServer) -> None:
    answer = client(server).responses.parse(model="m", input="Which?", text_format=City)
    assert isinstance(answer.output_parsed, City)


def test_a_failure_before_the_answer_is_the_providers(server: ModelServer) -> None:
    server.script.append(Fail(429, "as told"))
    with pytest.raises(openai.RateLimitError, match="as told"):
        client(server).responses.create(model="m", input="Hi")


def test_a_failure_in_the_middle_follows_its_text(server: ModelServer) -> None:
    server.script.append(Fail(500, "went down", after="half of it"))
    events = list(client(server).responses.create(model="m", input="Hi", stream=True))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "half of it"
    assert events[-1].type == "response.failed"
    assert events[-1].response.error is not None
    assert events[-1].response.error.message == "went down"


def test_a_stream_that_is_cut_has_no_end(server: ModelServer) -> None:
    server.script.append(Cut("half of it"))
    stream, kinds = client(server).responses.create(model="m", input="Hi", stream=True), []
    with pytest.raises(httpx.RemoteProtocolError):
        kinds.extend(event.type for event in stream)
    assert kinds[-1] == "response.output_text.delta"


def test_raw_events_come_as_they_are(server: ModelServer) -> None:
    server.script.append(Raw(({"type": "response.output_text.delta", "delta": "odd"},)))
    (event,) = client(server).responses.create(model="m", input="Hi", stream=True)
    assert event.type == "response.output_text.delta"


@pytest.mark.parametrize(
    "asked", [{"model": "m"}, {"model": "m", "input": [{"role": "x"}]}, {"model": "m", "input": 5}]
)
def test_requests_without_sense_are_refused(server: ModelServer, asked: dict[str, object]) -> None:
    with pytest.raises(openai.BadRequestError):
        client(server).post("/responses", body=asked, cast_to=object)
