"""The limit on tool calls of one message (PROTOCOL section 5, oddity 14)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from smyth.connectors.models.port import ToolCall
from smyth.connectors.ports import Ports
from smyth.conversation import Turn
from smyth.conversation.events import ToolAnswered, ToolCalled
from tests.peers.scripted_models import Reply, ScriptedModels, scripted
from tests.unit.conversation.agents import agent, answering

GREETER = answering("greet", {"name": "who", "type": "Text"})


def calls(*names: str) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(f"call_{at}", name, f'{{"who":"{at}"}}') for at, name in enumerate(names))


def turn(models: ScriptedModels, limit: int | None, **members: Any) -> Turn:
    return Turn(agent(GREETER), "Hi", Ports(models=models), max_tool_calls=limit, **members)


async def test_a_batch_larger_than_the_rest_is_run_in_part() -> None:
    models = scripted(Reply(calls=calls("greet", "greet", "greet")), Reply("partial answer"))
    spoken = turn(models, 2)
    events = [event async for event in spoken.events()]
    first, second = models.requests
    assert first.tools
    assert (second.tools, second.tool_choice) == ([], None)
    *_, one, two, three, asked = second.messages
    assert [one["content"], two["content"]] == ['{"who":"0"}', '{"who":"1"}']
    assert json.loads(three["content"]) == {
        "status": "pending",
        "message": "Tool execution deferred - maximum tool call limit (2) reached for this request. "
        "This tool can be executed in a follow-up request.",
        "pending": True,
    }
    assert asked == {
        "role": "user",
        "content": "You have reached the maximum number of tool calls (2) for this request. Some tools are marked as "
        '"pending" and were not executed. Please provide a helpful response based on the information you\'ve gathered '
        "so far. You may acknowledge these pending tools and suggest the user can continue in a follow-up request.",
    }
    assert [event.id for event in events if isinstance(event, ToolCalled)] == ["call_0", "call_1"]
    answered = {event.id: event.result for event in events if isinstance(event, ToolAnswered)}
    assert answered["call_2"]["message"] == "Tool execution deferred - limit reached"
    assert spoken.output == "partial answer"


async def test_exactly_at_the_limit_nothing_is_said_and_the_model_gets_no_tools() -> None:
    models = scripted(Reply(calls=calls("greet")), Reply(calls=calls("greet")), Reply("done"))
    await turn(models, 2).run()
    assert [bool(request.tools) for request in models.requests] == [True, True, False]
    assert models.requests[2].messages[-1]["role"] == "tool"


async def test_a_limit_of_none_at_all_names_what_was_asked_for() -> None:
    models = scripted(Reply(calls=calls("greet")), Reply("no tools used"))
    spoken = turn(models, 0)
    await spoken.run()
    assert models.requests[0].tools
    assert models.requests[1].tools == []
    # Two messages of users in a row are joined (oddity 7).
    assert models.requests[1].messages[-1] == {
        "role": "user",
        "content": "Hi\n\nYou have reached the maximum number of tool calls (0). The following tools were requested "
        'but marked as "pending": greet. Please provide a helpful response based on the information you\'ve gathered '
        "so far. You may acknowledge these pending tools and suggest the user can continue in a follow-up request.",
    }
    assert spoken.tool_calls == []
    assert spoken.output == "no tools used"


async def test_words_before_calls_that_are_not_run_are_not_forgotten() -> None:
    models = scripted(Reply("Let me see.", calls=calls("greet")), Reply("No."))
    await turn(models, 0).run()
    assert [message["role"] for message in models.requests[1].messages] == ["system", "user", "assistant", "user"]


async def test_calls_without_tools_end_the_turn() -> None:
    models = scripted(Reply(calls=calls("greet")), Reply("That is it.", calls=calls("greet")))
    spoken = turn(models, 1)
    await spoken.run()
    assert spoken.output == "That is it."
    assert len(spoken.tool_calls) == 1


async def test_the_limit_counts_for_each_message_anew() -> None:
    models = scripted(*[Reply(calls=calls("greet")), Reply("done")] * 2)
    first = turn(models, 1)
    await first.run()
    second = turn(models, 1, history=first.messages)
    await second.run()
    assert [len(spoken.tool_calls) for spoken in (first, second)] == [1, 1]
    assert models.requests[2].tools


@pytest.mark.parametrize("limit", [None, 10])
async def test_below_the_limit_nothing_changes(limit: int | None) -> None:
    models = scripted(Reply(calls=calls("greet", "greet")), Reply("done"))
    await turn(models, limit).run()
    assert models.requests[1].tools
    assert models.requests[1].tool_choice == "auto"
