"""Tools that the caller runs, beside the agent's skills."""

from __future__ import annotations

from typing import Any

import pytest

from smyth.connectors.models.port import ToolCall
from smyth.connectors.ports import Ports
from smyth.conversation import ConversationError, ModelOptions, Turn
from smyth.conversation.events import End, ToolCalled
from tests.peers.scripted_models import Reply, ScriptedModels, scripted
from tests.unit.conversation.agents import agent, answering

GREETER = answering("greet", {"name": "who", "type": "Text"})
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
ASKED = ToolCall("w1", "weather", '{"town": "Rabat"}')
GREETED = ToolCall("g1", "greet", '{"who":"Ada"}')


def turn(models: ScriptedModels, message: Any = "Hi", **members: Any) -> Turn:
    return Turn(agent(GREETER), message, Ports(models=models), **{"client_tools": [WEATHER], **members})


async def test_the_callers_tools_stand_behind_the_agents_own() -> None:
    models = scripted(Reply("ok"))
    await turn(models).run()
    assert [tool["function"]["name"] for tool in models.requests[0].tools] == ["greet", "weather"]


async def test_a_reply_that_calls_only_the_callers_tools_ends_the_turn() -> None:
    models = scripted(Reply("One moment.", calls=(ASKED, ASKED)))
    spoken = turn(models)
    events = [event async for event in spoken.events()]
    assert spoken.pending == (ASKED, ASKED)
    assert events[-1] == End("One moment.", "tool_calls")
    assert not any(isinstance(event, ToolCalled) for event in events)
    assert spoken.messages[-1]["tool_calls"][0]["function"] == {"name": "weather", "arguments": '{"town": "Rabat"}'}
    assert spoken.tool_calls == []


async def test_the_turn_goes_on_with_what_the_caller_found() -> None:
    first = turn(scripted(Reply(calls=(ASKED,))))
    await first.run()
    history = [
        {"role": "user", "content": "old"},
        {"role": "assistant", "content": "times"},
        *first.messages,
        {"role": "tool", "tool_call_id": "w1", "content": "sunny"},
    ]
    models = scripted(Reply(calls=(GREETED,)), Reply("It is sunny."))
    second = turn(models, None, history=history)
    await second.run()
    assert models.requests[0].messages[1:] == history
    assert [message["role"] for message in models.requests[1].messages[-2:]] == ["assistant", "tool"]
    assert second.output == "It is sunny."
    assert [message["role"] for message in second.messages] == ["assistant", "tool", "assistant"]


async def test_in_a_mixed_batch_skills_run_and_the_callers_tool_is_to_be_called_again() -> None:
    models = scripted(Reply(calls=(ASKED, GREETED)), Reply(calls=(ASKED,)))
    spoken = turn(models)
    await spoken.run()
    weather, greeting = models.requests[1].messages[-2:]
    assert "Call it again by itself" in weather["content"]
    assert greeting["content"] == '{"who":"Ada"}'
    assert spoken.pending == (ASKED,)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"client_tools": [{"type": "function", "function": {"name": "greet"}}]}, "tool_name_taken"),
        ({"client_tools": [WEATHER, WEATHER]}, "tool_name_taken"),
        ({"client_tools": [{"type": "function"}]}, "invalid_tool"),
        ({"client_tools": [{"type": "function", "function": {"name": 7}}]}, "invalid_tool"),
        ({"client_tools": ["weather"]}, "invalid_tool"),
        ({"options": ModelOptions(tool_choice={"type": "function", "function": {"name": "no_such"}})}, "unknown_tool"),
        ({"options": ModelOptions(tool_choice={"type": "function"})}, "unknown_tool"),
        ({"message": None}, "empty_message"),
    ],
)
async def test_what_does_not_fit_together_is_refused_before_the_model_is_asked(
    members: dict[str, Any], code: str
) -> None:
    models = scripted()
    spoken = turn(models, **members)
    with pytest.raises(ConversationError) as refused:
        spoken.check()
    assert refused.value.code == code
    with pytest.raises(ConversationError):
        await spoken.run()
    assert models.requests == []


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "greet"}}])
async def test_a_call_is_forced_once(choice: Any) -> None:
    models = scripted(Reply(calls=(GREETED,)), Reply("ok"))
    await turn(models, options=ModelOptions(tool_choice=choice)).run()
    assert [request.tool_choice for request in models.requests] == [choice, "auto"]


async def test_no_calls_at_all_holds_for_the_whole_turn() -> None:
    models = scripted(Reply(calls=(GREETED,)), Reply("ok"))
    await turn(models, options=ModelOptions(tool_choice="none")).run()
    assert [request.tool_choice for request in models.requests] == ["none", "none"]
