from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from smyth.components.base import ComponentError
from smyth.connectors.memory.in_process import InProcessMemory
from smyth.connectors.models.port import Limits, ModelError
from smyth.connectors.ports import Ports

DATA = {"model": "m", "behavior": "You help {{UserId}}"}
ADA = {"UserId": "ada", "ConversationId": "c1"}


@pytest.fixture
def memory() -> InProcessMemory:
    return InProcessMemory()


@pytest.fixture
def say(outputs_of: Any, scripted_model: Any, memory: InProcessMemory) -> Any:
    async def turn(
        text: str, reply: str = "ok", data: dict[str, Any] | None = None, max_output: int = 8_192, **ids: Any
    ) -> Any:
        class Model(scripted_model):  # type: ignore[misc]
            def limits(self, model: Any) -> Limits:
                return Limits(max_output=max_output)

        model = Model(reply)
        ports = Ports(models=model, memory=memory)
        outputs = await outputs_of("LLMAssistant", DATA | (data or {}), {"UserInput": text, **ids}, ports=ports)
        return outputs["Response"], model.requests[0].messages

    return turn


def texts(messages: list[dict[str, Any]]) -> list[str]:
    return [message["content"] for message in messages]


async def test_remembers_the_conversation_of_a_user(say: Any) -> None:
    assert await say("Hi", "Hello", **ADA) == (
        "Hello",
        [{"role": "system", "content": "You help ada"}, {"role": "user", "content": "Hi"}],
    )
    _, sent = await say("And?", **ADA)
    assert [message["role"] for message in sent] == ["system", "user", "assistant", "user"]
    assert texts(sent) == ["You help ada", "Hi", "Hello", "And?"]


@pytest.mark.parametrize(
    "other",
    [
        {"UserId": "bob", "ConversationId": "c1"},
        {"UserId": "ada", "ConversationId": "c2"},
        {"UserId": "ada"},
        {"ConversationId": "c1"},
        {"UserId": "ada-c1"},
        {},
    ],
)
async def test_conversations_are_apart(say: Any, other: dict[str, str]) -> None:
    await say("secret", **ADA)
    assert "secret" not in texts((await say("And?", **other))[1])


async def test_ids_cannot_be_joined_to_another_conversations_key(say: Any) -> None:
    await say("secret", UserId="1-c2", ConversationId="3")
    assert "secret" not in texts((await say("And?", UserId="1", ConversationId="2-c3"))[1])


async def test_without_an_id_nothing_is_remembered(say: Any, memory: InProcessMemory) -> None:
    await say("Hi")
    assert len((await say("Again"))[1]) == 2


async def test_sends_the_newest_messages_that_fit_half_of_an_answer(say: Any) -> None:
    for number in range(6):
        await say(f"{number} " + "x" * 398, "ok", **ADA)
    _, sent = await say("And?", max_output=460, **ADA)
    # 230 tokens: 6 for the system text, 4 for each "ok", 103 for each question.
    assert [text[0] for text in texts(sent)] == ["Y", "4", "o", "5", "o", "A"]


async def test_a_conversation_ends_with_its_time(outputs_of: Any, scripted_model: Any, memory: InProcessMemory) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    async def ask_at(moment: datetime) -> list[dict[str, Any]]:
        model = scripted_model("ok")
        ports = Ports(models=model, memory=memory, clock=lambda: moment)
        await outputs_of("LLMAssistant", DATA | {"ttl": "60"}, {"UserInput": "Hi", **ADA}, ports=ports)
        sent: list[dict[str, Any]] = model.requests[0].messages
        return sent

    await ask_at(now)
    assert len(await ask_at(now + timedelta(seconds=59))) == 4
    assert len(await ask_at(now + timedelta(seconds=59 + 60))) == 2


async def test_a_long_conversation_loses_its_oldest_messages(say: Any, memory: InProcessMemory) -> None:
    for number in range(4):
        await say(f"{number}" + "ü" * 60_000, "ok", max_output=1_000_000, **ADA)
    (entry,) = memory._entries.values()
    kept = json.loads(entry.value)
    assert kept[0]["role"] == "system"
    assert kept[1]["role"] == "assistant"
    assert kept[-2]["content"].startswith("3")


async def test_an_answer_that_failed_is_not_remembered(say: Any) -> None:
    with pytest.raises(ComponentError, match=r"^ LLM Error = Empty Response!$"):
        await say("Hi", "", **ADA)
    assert len((await say("Again", **ADA))[1]) == 2


async def test_reads_answers_as_json(say: Any) -> None:
    assert (await say("Hi", '{"a": 1}'))[0] == {"a": 1}


async def test_asks_for_the_outputs_that_the_author_added(outputs_of: Any, scripted_model: Any) -> None:
    model = scripted_model("x")
    outputs = [{"name": "mood", "description": "one word"}]
    await outputs_of("LLMAssistant", DATA, {"UserInput": "Hi"}, outputs=outputs, ports=Ports(models=model))
    assert texts(model.requests[0].messages)[1].startswith('Hi\n##\nExpected output format = {"mood":"<value> (one')


async def test_echo_repeats_the_behavior_and_the_user_where_it_streams(outputs_of: Any) -> None:
    heard: list[str] = []
    inputs = {"UserInput": "hello there"}
    data = {"model": "Echo", "behavior": "Be kind"}
    assert await outputs_of("LLMAssistant", data, inputs, passthrough=heard.append) == {"Response": "Be kind"}
    assert heard == []
    data["passthrough"] = True
    assert await outputs_of("LLMAssistant", data, inputs, passthrough=heard.append) == {"Response": "hello there"}
    assert "".join(heard) == "hello there"
    with pytest.raises(ComponentError, match="Empty Response"):
        await outputs_of("LLMAssistant", {"model": "Echo"}, inputs)


async def test_errors_of_models_are_told(outputs_of: Any, scripted_model: Any) -> None:
    with pytest.raises(ComponentError, match="The model 'none' is not available"):
        await outputs_of("LLMAssistant", {"model": "none"}, {"UserInput": "Hi"})
    ports = Ports(models=scripted_model(error=ModelError("busy")))
    with pytest.raises(ComponentError, match="busy"):
        await outputs_of("LLMAssistant", DATA, {"UserInput": "Hi"}, ports=ports)
