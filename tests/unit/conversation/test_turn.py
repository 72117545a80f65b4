from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from smyth.connectors.models.echo import EchoModels
from smyth.connectors.models.port import Limits, ModelError, ModelEvent, ModelRequest, ToolCall, Usage
from smyth.connectors.ports import Ports
from smyth.conversation import ConversationError, Event, Turn
from smyth.conversation.events import Content, End, Start, Thinking, ToolAnswered, ToolCalled, Used
from smyth.engine import Limits as RunLimits
from smyth.engine import Plan
from tests.peers.scripted_models import Reply, ScriptedModels, scripted
from tests.unit.conversation.agents import agent, answering, endpoint

GREETER = answering("greet", {"name": "who", "type": "Text"}, description="Greets")
#: A skill that asks Echo and passes its words through.
WRITER = {
    "components": [
        *answering("write", {"name": "topic"})["components"],
        {
            "id": "LLM",
            "name": "GenAILLM",
            "data": {"model": "Echo", "prompt": "About {{Input}}", "passthrough": True},
            "inputs": [{"name": "Input"}],
            "outputs": [{"name": "Reply", "default": True}],
        },
    ],
    "connections": [
        {"sourceId": "EP_write", "sourceIndex": 3, "targetId": "LLM", "targetIndex": 0},
        {"sourceId": "LLM", "sourceIndex": 0, "targetId": "OUT_write", "targetIndex": 0},
    ],
}


def turn(models: ScriptedModels, message: Any = "Hi", plan: Plan | None = None, **members: Any) -> Turn:
    return Turn(plan or agent(GREETER), message, Ports(models=models), **members)


async def listen(turn: Turn) -> list[Event]:
    return [event async for event in turn.events()]


def call(arguments: str = '{"who":"Ada"}', name: str = "greet", id: str = "call_1") -> ToolCall:
    return ToolCall(id, name, arguments)


async def tool_content(arguments: str, name: str = "greet") -> str:
    """Return what the model reads after it called a skill."""
    models = scripted(Reply(calls=(call(arguments, name),)), Reply("done"))
    await turn(models).run()
    content: str = models.requests[1].messages[-1]["content"]
    return content


async def test_a_skill_that_passes_a_limit_tells_the_model() -> None:
    models = scripted(Reply(calls=(call(),)), Reply("done"))
    await turn(models, limits=RunLimits(components=1)).run()
    assert "ended after 1 component runs" in models.requests[1].messages[-1]["content"]


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


async def test_a_tool_round_repeats_everything_and_adds_the_result() -> None:
    models = scripted(Reply("Checking. ", calls=(call(),)), Reply("Done."))
    spoken = turn(models)
    events = await listen(spoken)
    assert models.requests[1].messages == [
        *models.requests[0].messages,
        {
            "role": "assistant",
            "content": "Checking. ",
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "greet", "arguments": '{"who":"Ada"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "name": "greet", "content": '{"who":"Ada"}'},
    ]
    assert [type(event) for event in events] == [Start, Content, ToolCalled, ToolAnswered, Content, Used, End]
    assert spoken.output == "Checking. Done."
    assert spoken.tool_calls == [
        {"id": "call_1", "name": "greet", "arguments": {"who": "Ada"}, "result": {"who": "Ada"}}
    ]
    assert spoken.used == Used(20, 10, 4, 60)
    assert [message["role"] for message in spoken.messages] == ["user", "assistant", "tool", "assistant"]


@pytest.mark.parametrize(
    ("arguments", "content"),
    [
        ('{"who":"Ada"}', '{"who":"Ada"}'),
        ("{who: 'Ada',", '{"who":"Ada"}'),
        ('{"error":"boom","who":"x"}', '{"who":"x"}'),
        ('{"who":"Ada","unknown":1}', '{"who":"Ada"}'),
    ],
)
async def test_arguments_reach_the_skill(arguments: str, content: str) -> None:
    assert await tool_content(arguments) == content


@pytest.mark.parametrize("arguments", ["who is Ada", "[1,2]", '"text"'])
async def test_arguments_that_are_no_object_are_told_to_the_model(arguments: str) -> None:
    assert "not a JSON object" in await tool_content(arguments)


@pytest.mark.parametrize("name", ["no_such_skill", "", "../etc", "greet "])
async def test_a_skill_that_does_not_exist_is_told_to_the_model(name: str) -> None:
    assert await tool_content("{}", name) == '{"error":"Endpoint not found"}'


async def test_a_hidden_endpoint_cannot_be_called() -> None:
    models = scripted(Reply(calls=(call(name="secret"),)), Reply("ok"))
    await turn(models, plan=agent(answering("secret", {"name": "who"}, ai_exposed=False))).run()
    assert models.requests[1].messages[-1]["content"] == '{"error":"Endpoint not found"}'


async def test_variables_and_secrets_are_not_expanded_in_what_the_model_says() -> None:
    plan = agent(GREETER, variables={"city": "Casablanca"})
    models = scripted(Reply(calls=(call('{"who":"{{city}}"}'),)), Reply("ok"))
    await turn(models, plan=plan).run()
    assert models.requests[1].messages[-1]["content"] == '{"who":"{{city}}"}'


async def test_a_get_skill_takes_its_arguments_from_the_query() -> None:
    models = scripted(Reply(calls=(call('{"n":[1,{"a":2}]}', "find"),)), Reply("ok"))
    await turn(models, plan=agent(answering("find", {"name": "n"}, method="GET"))).run()
    assert models.requests[1].messages[-1]["content"] == '{"n":[1,{"a":2}]}'


async def test_several_calls_run_and_answer_in_the_order_of_the_calls() -> None:
    calls = tuple(call(f'{{"who":"{number}"}}', id=f"call_{number}") for number in range(6))
    models = scripted(Reply(calls=calls), Reply("done"))
    events = await listen(turn(models))
    contents = [m["content"] for m in models.requests[1].messages if m["role"] == "tool"]
    assert contents == [f'{{"who":"{number}"}}' for number in range(6)]
    assert [event.id for event in events if isinstance(event, ToolCalled)] == [f"call_{n}" for n in range(6)]


async def test_four_skills_run_at_once_and_no_more() -> None:
    calls = tuple(call('{"topic":"cats"}', "write", id=f"call_{number}") for number in range(8))
    models = _EchoBeside(scripted(Reply(calls=calls), Reply("done")), together=4)
    async with asyncio.timeout(10):
        await Turn(agent(WRITER), "Write", Ports(models=models)).run()
    assert models.most_at_once == 4


async def test_a_model_that_never_stops_calling_is_stopped() -> None:
    models = scripted(*[Reply(calls=(call(),))] * 10)
    spoken = turn(models, max_rounds=3)
    with pytest.raises(ConversationError) as error:
        await spoken.run()
    assert error.value.code == "too_many_tool_rounds"
    assert len(models.requests) == 4
    assert len(spoken.usage) == 4


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


async def test_tools_are_decided_by_calls_and_not_by_the_reason() -> None:
    models = scripted(Reply(calls=(call(),), reason="stop"), Reply("done"))
    spoken = turn(models)
    await spoken.run()
    assert spoken.output == "done"
    assert len(spoken.tool_calls) == 1


async def test_signed_thoughts_go_back_with_the_calls_and_are_not_remembered() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    models = scripted(Reply(calls=(call(),), thinking_blocks=(thought,)), Reply("done"))
    spoken = turn(models)
    await spoken.run()
    assert models.requests[1].messages[-2]["thinking_blocks"] == [thought]
    assert all("thinking_blocks" not in message for message in spoken.messages)


@pytest.mark.parametrize("method", ["post", "Put", "delete", ""])
async def test_skills_run_whatever_their_method_and_its_case(method: str) -> None:
    models = scripted(Reply(calls=(call('{"who":"Ada"}'),)), Reply("ok"))
    await turn(models, plan=agent(answering("greet", {"name": "who"}, method=method))).run()
    assert models.requests[1].messages[-1]["content"] == '{"who":"Ada"}'


async def test_a_dead_end_shows_nothing_of_the_inner_request() -> None:
    models = scripted(Reply(calls=(call('{"who":"Ada"}', "lost"),)), Reply("ok"))
    plan = agent({"components": [endpoint("lost", {"name": "who"})], "connections": []})
    await turn(models, plan=plan).run()
    told = models.requests[1].messages[-1]["content"]
    assert told == '{"id":"EP_lost","name":"APIEndpoint","result":{"body":{"who":"Ada"},"query":{}}}'


async def test_no_text_of_the_model_is_a_template_anywhere_in_a_skill() -> None:
    models = _EchoBeside(scripted(Reply(calls=(call('{"topic":"{{city}} {{KEY(k)}}"}', "write"),)), Reply("Done.")))
    plan = agent(WRITER, variables={"city": "Casablanca"})
    await Turn(plan, "Write", Ports(models=models)).run()
    assert models.scripted.requests[1].messages[-1]["content"] == '{"topic":"About {{city}} {{KEY(k)}}"}'


async def test_a_skill_that_is_cut_off_keeps_what_its_model_used() -> None:
    models = _EchoBeside(scripted(Reply(calls=(call('{"topic":"cats"}', "write"),)), Reply("never said")))
    spoken = Turn(agent(WRITER), "Write", Ports(models=models))
    events = spoken.events()
    async for event in events:
        if isinstance(event, Content):
            break
    await events.aclose()
    assert [usage.model for usage in spoken.usage] == ["scripted", "Echo"]


async def test_an_unknown_model_is_told_and_costs_nothing() -> None:
    models = scripted()
    spoken = turn(models, model="zzz")
    with pytest.raises(ModelError, match="The model 'zzz' is not available"):
        await spoken.run()
    assert spoken.usage == []
    assert models.requests == []


async def test_what_never_reached_a_provider_is_not_counted() -> None:
    spoken = turn(scripted(Reply(error=ModelError("no key", kind="credentials"))))
    with pytest.raises(ModelError):
        await spoken.run()
    assert spoken.usage == []


@pytest.mark.parametrize("error", [ModelError("no", kind="credentials", status=401), ModelError("busy", status=503)])
async def test_a_provider_that_refuses_was_asked_and_costs_nothing(error: ModelError) -> None:
    spoken = turn(scripted(Reply(error=error)))
    with pytest.raises(ModelError):
        await spoken.run()
    assert spoken.usage == [Usage("scripted")]


async def test_an_answer_that_breaks_off_is_counted() -> None:
    spoken = turn(scripted(Reply("half", error=ModelError("cut"))))
    with pytest.raises(ModelError):
        await spoken.run()
    assert [(usage.input_tokens, usage.output_tokens) for usage in spoken.usage] == [(7, 4)]
    assert spoken.output == "half"


async def test_who_leaves_early_pays_for_what_was_said() -> None:
    spoken = turn(scripted(Reply("half an answer", hangs=True)))
    events = spoken.events()
    assert await anext(events) == Start("scripted")
    assert await anext(events) == Content("half an answer")
    await events.aclose()
    assert [usage.output_tokens for usage in spoken.usage] == [14]


async def test_a_turn_that_runs_out_of_time_is_counted() -> None:
    spoken = turn(scripted(Reply(hangs=True)))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await spoken.run()
    assert [usage.input_tokens for usage in spoken.usage] == [7]


async def test_text_that_a_skill_passes_through_is_part_of_the_answer() -> None:
    models = _EchoBeside(scripted(Reply(calls=(call('{"topic":"cats"}', "write"),)), Reply("Done.")))
    spoken = Turn(agent(WRITER), "Write", Ports(models=models))
    events = await listen(spoken)
    texts = [event.text for event in events if isinstance(event, Content)]
    assert "".join(texts) == "About cats\nDone."
    assert spoken.output == "About cats\nDone."
    assert models.scripted.requests[1].messages[-1]["content"] == '{"topic":"About cats"}'
    assert len(spoken.usage) == 3


class _EchoBeside:
    """Echo for the skills, where so many must come ``together`` before one is answered; a script for the rest."""

    def __init__(self, models: ScriptedModels, together: int = 1) -> None:
        self.scripted = models
        self.most_at_once = 0
        self._at_once = 0
        self._barrier = asyncio.Barrier(together)

    def limits(self, model: Any) -> Limits:
        return self.scripted.limits(model)

    def broken_off(self, request: ModelRequest, reply: str) -> Usage:
        return self.scripted.broken_off(request, reply)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        if request.model != "Echo":
            async for event in self.scripted.stream(request):
                yield event
            return
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await self._barrier.wait()
        self._at_once -= 1
        async for event in EchoModels().stream(request):
            yield event


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
