from __future__ import annotations

from typing import Any

import pytest

from smyth.connectors.ports import Ports
from smyth.conversation import ConversationError, Turn
from smyth.conversation.events import Content, End, Start, Thinking, Used
from tests.peers.scripted_models import Reply, scripted
from tests.unit.conversation.agents import agent
from tests.unit.conversation.turns import GREETER, call, listen, turn


async def test_a_plain_answer() -> None:
    models = scripted(Reply("Hello", thinking="hm"))
    spoken = turn(models)
    assert await listen(spoken) == [
        Start("scripted"),
        Thinking("hm"),
        Content("Hello"),
        Used(10, 5, 2, 30),
        End("Hello", "stop"),
    ]
    (request,) = models.requests
    assert request.messages == [
        {"role": "system", "content": "Assistant Name : Helper\n\nYou help."},
        {"role": "user", "content": "Hi"},
    ]
    assert [tool["function"]["name"] for tool in request.tools] == ["greet"]
    assert request.tool_choice == "auto"
    assert request.max_tokens == 8192
    assert spoken.output == "Hello"
    assert spoken.messages == [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


async def test_without_skills_no_tools_are_offered() -> None:
    models = scripted(Reply("Hello"))
    await turn(models, plan=agent()).run()
    assert models.requests[0].tools == []
    assert models.requests[0].tool_choice is None


async def test_history_stands_between_system_text_and_message() -> None:
    history = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    models = scripted(Reply("ok"))
    spoken = turn(models, history=history)
    await spoken.run()
    assert [message["content"] for message in models.requests[0].messages][1:] == ["a", "b", "Hi"]
    assert [message["content"] for message in spoken.messages] == ["Hi", "ok"]


async def test_echo_answers_the_message_and_calls_nothing() -> None:
    spoken = Turn(agent(GREETER, defaultModel=None), 'say "hi" {{x}}', Ports())
    await spoken.run()
    assert spoken.model_name == "Echo"
    assert spoken.output == 'say "hi" {{x}}'
    assert spoken.tool_calls == []
    assert spoken.used.cost_micro_usd == 0


async def test_the_turns_model_wins_over_the_documents() -> None:
    spoken = Turn(agent(), "hi", Ports(), model="Echo")
    await spoken.run()
    assert spoken.output == "hi"


async def test_a_model_newer_than_the_catalogue_goes_to_the_provider_of_its_family() -> None:
    models = scripted(Reply("ok"))
    await turn(models, model="gpt-99").run()
    asked = models.requests[0].model
    assert isinstance(asked, dict)
    assert (asked["provider"], asked["model"]) == ("OpenAI", "gpt-99")


@pytest.mark.parametrize("message", ["", " \n\t", [], [{"type": "text", "text": " "}]])
async def test_an_empty_message_is_refused_before_the_model_is_asked(message: Any) -> None:
    models = scripted()
    spoken = turn(models, message=message)
    with pytest.raises(ConversationError) as refused:
        spoken.check()
    assert refused.value.code == "empty_message"
    with pytest.raises(ConversationError):
        await spoken.run()
    assert models.requests == []


async def test_users_messages_in_a_row_are_joined_and_none_is_dropped() -> None:
    models = scripted(Reply("ok"))
    history = [{"role": "user", "content": "first"}, {"role": "user", "content": [{"type": "text", "text": "second"}]}]
    await turn(models, history=history).run()
    assert models.requests[0].messages[1:] == [
        {"role": "user", "content": [{"type": "text", "text": text} for text in ("first", "second", "Hi")]}
    ]


async def test_the_reason_is_that_of_the_last_request() -> None:
    spoken = turn(scripted(Reply("A", calls=(call(),)), Reply("half a th", reason="length")))
    events = await listen(spoken)
    assert events[-1] == End("Ahalf a th", "length")
    assert spoken.reason == "length"


async def test_events_are_json_as_the_api_tells() -> None:
    events = await listen(turn(scripted(Reply("A", thinking="t", calls=(call(),)), Reply("B"))))
    told = [event.as_json() for event in events]
    assert [event["type"] for event in told] == [
        "start",
        "thinking",
        "content",
        "tool_call",
        "tool_result",
        "content",
        "usage",
        "end",
    ]
    assert told[3] == {"type": "tool_call", "id": "call_1", "name": "greet", "arguments": {"who": "Ada"}}
    assert told[4] == {"type": "tool_result", "id": "call_1", "name": "greet", "result": {"who": "Ada"}}
    assert told[6] == {
        "type": "usage",
        "input_tokens": 24,
        "output_tokens": 10,
        "cached_tokens": 4,
        "total_tokens": 34,
        "model_cost": "0.000060",
    }
    assert told[7] == {"type": "end", "output": "AB", "finish_reason": "stop"}
