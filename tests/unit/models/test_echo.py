from __future__ import annotations

import pytest

from smyth.connectors.models.echo import EchoModels
from smyth.connectors.models.port import Finished, ModelError, ModelRequest, Text, complete


def request(*messages: dict[str, object], model: object = "Echo") -> ModelRequest:
    return ModelRequest(model=model, messages=list(messages))  # type: ignore[arg-type]


async def test_answers_the_last_user_message() -> None:
    reply = await complete(
        EchoModels(),
        request(
            {"role": "system", "content": "You are terse."},
            {"role": "user", "content": "first"},
            {"role": "assistant", "content": "first"},
            {"role": "user", "content": "second"},
        ),
    )
    assert reply.text == "second"
    assert reply.reason == "stop"


@pytest.mark.parametrize("text", ["a  b   c", " led by space", "line\nline \n", "", "   ", "日本語 です", "tab\t"])
async def test_gives_every_character_back(text: str) -> None:
    reply = await complete(EchoModels(), request({"role": "user", "content": text}))
    assert reply.text == text


async def test_streams_word_by_word_and_finishes_once() -> None:
    events = [event async for event in EchoModels().stream(request({"role": "user", "content": "one two three"}))]
    assert [event.text for event in events if isinstance(event, Text)] == ["one", " two", " three"]
    assert [type(event) for event in events].count(Finished) == 1
    assert isinstance(events[-1], Finished)


async def test_answers_the_first_message_where_no_user_spoke() -> None:
    reply = await complete(EchoModels(), request({"role": "system", "content": "You help"}))
    assert reply.text == "You help"


async def test_reads_the_text_of_a_message_in_parts() -> None:
    parts = [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    reply = await complete(EchoModels(), request({"role": "user", "content": parts}))
    assert reply.text == "see"


async def test_counts_tokens_and_costs_nothing() -> None:
    reply = await complete(EchoModels(), request({"role": "user", "content": "twelve chars"}))
    assert reply.usage.model == "Echo"
    assert reply.usage.input_tokens == 3 + 4
    assert reply.usage.output_tokens == 3
    assert reply.usage.cost_micro_usd == 0


@pytest.mark.parametrize("model", ["echo", "ECHO", "gpt-4o", "", {"provider": "Echo"}])
async def test_refuses_every_other_name(model: object) -> None:
    with pytest.raises(ModelError, match=r"is not available\. Please try a different one\.") as error:
        await complete(EchoModels(), request({"role": "user", "content": "x"}, model=model))
    assert error.value.kind == "unknown_model"
