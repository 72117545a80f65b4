from __future__ import annotations

import asyncio

import pytest

from smyth.connectors.ports import Ports
from smyth.conversation import ConversationError, Turn
from smyth.conversation.events import Content, End, Start, ToolAnswered, ToolCalled, Used
from smyth.engine import Limits as RunLimits
from tests.peers.scripted_models import Reply, scripted
from tests.unit.conversation.agents import agent, answering, endpoint
from tests.unit.conversation.turns import GREETER, WRITER, EchoBeside, call, listen, turn


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
    models = EchoBeside(scripted(Reply(calls=calls), Reply("done")), together=4)
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
    models = EchoBeside(scripted(Reply(calls=(call('{"topic":"{{city}} {{KEY(k)}}"}', "write"),)), Reply("Done.")))
    plan = agent(WRITER, variables={"city": "Casablanca"})
    await Turn(plan, "Write", Ports(models=models)).run()
    assert models.scripted.requests[1].messages[-1]["content"] == '{"topic":"About {{city}} {{KEY(k)}}"}'


async def test_text_that_a_skill_passes_through_is_part_of_the_answer() -> None:
    models = EchoBeside(scripted(Reply(calls=(call('{"topic":"cats"}', "write"),)), Reply("Done.")))
    spoken = Turn(agent(WRITER), "Write", Ports(models=models))
    events = await listen(spoken)
    texts = [event.text for event in events if isinstance(event, Content)]
    assert "".join(texts) == "About cats\nDone."
    assert spoken.output == "About cats\nDone."
    assert models.scripted.requests[1].messages[-1]["content"] == '{"topic":"About cats"}'
    assert len(spoken.usage) == 3
