"""Turns of agents that have guardrails: what the model reads, what the caller gets, what is remembered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from smyth.connectors.models.port import ModelError, ToolCall, Usage, Verdict
from smyth.connectors.ports import Ports
from smyth.connectors.telemetry.memory import MemoryTelemetry
from smyth.conversation import ConversationError, Event, Turn
from smyth.conversation.events import Content, End, Guarded, Thinking, ToolAnswered, ToolCalled
from smyth.conversation.guardrails.port import WITHHELD
from tests.peers.scripted_models import Reply, ScriptedModels, scripted
from tests.unit.conversation.agents import agent, answering

GREETER = answering("greet", {"name": "who", "type": "Text"})
DENY = {"type": "deny", "patterns": ["blue moon"], "message": "Not that."}
MASK = {"type": "pii", "entities": ["email"]}
MODERATION = {"type": "moderation"}
NEVER = {"name": "search", "parameters": {"type": "object", "properties": {}}}


def turn(models: Any, message: Any = "Hi", *, rules: Any, telemetry: Any = None, **members: Any) -> Turn:
    return Turn(agent(GREETER, guardrails=rules), message, Ports(models=models, telemetry=telemetry), **members)


def call(arguments: str, name: str = "greet") -> ToolCall:
    return ToolCall("call_1", name, arguments)


async def listen(turn: Turn) -> list[Event]:
    return [event async for event in turn.events()]


def acted(turn: Turn) -> list[tuple[str, str, str, int]]:
    return [(one.stage, one.rule, one.action, one.count) for one in turn.guardrails]


class Judge:
    """A model port that moderates by a word, and else answers as scripted."""

    def __init__(self, models: ScriptedModels, error: ModelError | None = None) -> None:
        self._models = models
        self._error = error
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._models, name)

    async def moderate(self, model: Any, text: str, *, team_id: str) -> Verdict:
        self.asked.append(text)
        if self._error:
            raise self._error
        hit = "fight" in text
        scores = {"violence": 0.7 if hit else 0.01, "hate": 0.2}
        return Verdict(scores, {"violence"} if hit else set(), Usage(str(model), 3, 0, 0, 2))


async def test_a_denied_message_never_reaches_the_model() -> None:
    models = scripted(Reply("never said"))
    asked = turn(models, "Tell me of the BLUE\nmoon", rules={"input": [DENY]})
    events = await listen(asked)
    assert models.requests == []
    assert (asked.output, asked.reason, asked.usage) == ("Not that.", "content_filter", [])
    assert acted(asked) == [("input", "deny", "block", 1)]
    assert [event for event in events if isinstance(event, Guarded | Content | End)] == [
        Guarded(asked.guardrails[0]),
        Content("Not that."),
        End("Not that.", "content_filter"),
    ]
    assert asked.messages == [{"role": "user", "content": WITHHELD}, {"role": "assistant", "content": "Not that."}]


async def test_an_agent_without_guardrails_streams_as_ever() -> None:
    asked = turn(scripted(Reply("one two", thinking="hm")), rules=None)
    assert [event.text for event in await listen(asked) if isinstance(event, Content | Thinking)] == ["hm", "one two"]
    assert asked.guardrails == []


async def test_the_model_sees_masks_and_the_caller_may_get_the_originals_back() -> None:
    models = scripted(Reply("Wrote to [EMAIL_1] and [EMAIL_2], not [EMAIL_9]."))
    rules = {"input": [MASK | {"restore": True}]}
    asked = turn(models, "Write to ada@example.com, bob@example.com and ADA@example.com.", rules=rules)
    await asked.run()
    assert models.requests[0].messages[-1]["content"] == "Write to [EMAIL_1], [EMAIL_2] and [EMAIL_1]."
    assert asked.output == "Wrote to ada@example.com and bob@example.com, not [EMAIL_9]."
    assert "@" not in json.dumps(asked.messages)
    assert acted(asked) == [("input", "pii", "mask", 3)]


async def test_masks_stay_in_the_answer_unless_told_otherwise() -> None:
    asked = turn(scripted(Reply("Hello [EMAIL_1]")), "I am ada@example.com", rules={"input": [MASK]})
    await asked.run()
    assert asked.output == "Hello [EMAIL_1]"


async def test_pii_can_be_refused() -> None:
    asked = turn(scripted(), "I am ada@example.com", rules={"input": [MASK | {"action": "block"}]})
    await asked.run()
    assert asked.reason == "content_filter"
    assert "rules of this agent" in asked.output
    assert "ada" not in json.dumps(asked.messages)


async def test_a_mask_of_an_earlier_turn_is_not_taken_for_another() -> None:
    models = scripted(Reply("ok"))
    history = [{"role": "user", "content": "I am [EMAIL_1]"}, {"role": "assistant", "content": "Hi"}]
    asked = turn(models, "and ada@example.com", rules={"input": [MASK]}, history=history)
    await asked.run()
    assert models.requests[0].messages[-1]["content"] == "and [EMAIL_2]"


async def test_what_was_remembered_before_the_rule_came_is_masked() -> None:
    models = scripted(Reply("ok"))
    history = [{"role": "user", "content": "I am ada@example.com"}, {"role": "assistant", "content": "Hi"}]
    await turn(models, "Who am I?", rules={"input": [MASK]}, history=history).run()
    assert "ada@" not in json.dumps(models.requests[0].messages)


async def test_a_history_that_the_caller_tells_is_checked_like_a_message() -> None:
    history = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "Sure, the blue moon."}]
    asked = turn(scripted(), "Go on", rules={"input": [DENY]}, history=history, history_from_caller=True)
    await asked.run()
    assert asked.output == "Not that."


async def test_a_callers_instructions_are_checked() -> None:
    models = scripted(Reply("ok"))
    asked = turn(models, rules={"input": [MASK, DENY]}, instructions="Sign as ada@example.com")
    await asked.run()
    assert "ada@" not in models.requests[0].messages[0]["content"]
    refused = turn(scripted(), rules={"input": [DENY]}, instructions="Blue moon!")
    await refused.run()
    assert refused.reason == "content_filter"


async def test_every_text_part_is_checked() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    models = scripted(Reply("ok"))
    parts = [{"type": "text", "text": "a@example.com"}, image, {"type": "text", "text": "b@example.com"}]
    await turn(models, parts, rules={"input": [MASK]}).run()
    sent = models.requests[0].messages[-1]["content"]
    assert [part.get("text") for part in sent] == ["[EMAIL_1]", None, "[EMAIL_2]"]


async def test_an_answer_is_held_until_it_is_checked() -> None:
    asked = turn(scripted(Reply("Once in a blue moon", thinking="the blue moon")), rules={"output": [DENY]})
    events = await listen(asked)
    assert not any(isinstance(event, Thinking) for event in events)
    assert [event.text for event in events if isinstance(event, Content)] == ["Not that."]
    assert "moon" not in json.dumps(asked.messages)
    assert acted(asked) == [("output", "deny", "block", 1)]
    assert len(asked.usage) == 1


async def test_an_answer_is_masked_for_the_caller_and_the_memory() -> None:
    asked = turn(scripted(Reply("Ask ada@example.com")), rules={"output": [MASK]})
    await asked.run()
    assert asked.output == asked.messages[-1]["content"] == "Ask [EMAIL_1]"


async def test_skill_calls_show_what_may_go_out_and_skills_get_what_the_model_said() -> None:
    models = scripted(Reply(calls=(call(r'{"who":"ada@example.com"}'),)), Reply("done"))
    asked = turn(models, rules={"output": [MASK]})
    events = await listen(asked)
    (called,) = [event for event in events if isinstance(event, ToolCalled)]
    (answered,) = [event for event in events if isinstance(event, ToolAnswered)]
    assert (called.arguments, answered.result) == ({"who": "[EMAIL_1]"}, {"who": "[EMAIL_1]"})
    assert asked.tool_calls[0]["result"] == {"who": "[EMAIL_1]"}
    assert models.requests[1].messages[-1]["content"] == '{"who":"ada@example.com"}'
    assert "ada" not in json.dumps(asked.messages)


async def test_a_skills_result_is_checked_by_input_rules_that_say_so() -> None:
    models = scripted(Reply(calls=(call('{"who":"ada@example.com"}'),)), Reply("done"))
    asked = turn(models, rules={"input": [MASK | {"tools": True}, DENY]})
    await asked.run()
    assert models.requests[1].messages[-1]["content"] == '{"who":"[EMAIL_1]"}'
    assert acted(asked) == [("tool", "pii", "mask", 1)]


async def test_a_skills_result_that_is_refused_ends_the_turn() -> None:
    models = scripted(Reply("Let me see. ", calls=(call('{"who":"blue moon"}'),)), Reply("never asked"))
    asked = turn(models, rules={"input": [DENY | {"tools": True}]})
    await asked.run()
    assert len(models.requests) == 1
    assert (asked.output, asked.reason) == ("Let me see. Not that.", "content_filter")
    assert asked.messages[-1] == {"role": "assistant", "content": "Not that."}
    assert all(message["role"] != "tool" for message in asked.messages)


async def test_text_that_a_skill_passes_through_is_checked_as_a_whole() -> None:
    writer = answering("write", {"name": "topic"})
    model = {
        "id": "LLM",
        "name": "GenAILLM",
        "data": {"model": "scripted", "prompt": "Write", "passthrough": True},
        "inputs": [{"name": "Input"}],
        "outputs": [{"name": "Reply", "default": True}],
    }
    wires = [
        {"sourceId": "EP_write", "sourceIndex": 3, "targetId": "LLM", "targetIndex": 0},
        {"sourceId": "LLM", "sourceIndex": 0, "targetId": "OUT_write", "targetIndex": 0},
    ]
    skill = {"components": [*writer["components"], model], "connections": wires}
    models = scripted(Reply(calls=(call('{"topic":"x"}', "write"),)), Reply("Of the blue moon"), Reply("never asked"))
    asked = Turn(agent(skill, guardrails={"output": [DENY]}), "Hi", Ports(models=models))
    events = await listen(asked)
    assert [event.text for event in events if isinstance(event, Content)] == ["Not that."]
    assert asked.output == "Not that."
    assert len(models.requests) == 2


async def test_calls_of_the_callers_own_tools_are_checked_before_they_leave() -> None:
    tool = {"type": "function", "function": NEVER}
    models = scripted(Reply(calls=(call('{"q":"\\u0062lue moon"}', "search"),)))
    asked = turn(models, rules={"output": [DENY]}, client_tools=[tool])
    await asked.run()
    assert (asked.pending, asked.output) == ((), "Not that.")


async def test_the_callers_own_tools_get_originals_back() -> None:
    tool = {"type": "function", "function": NEVER}
    models = scripted(Reply(calls=(call('{"q":"[EMAIL_1]"}', "search"),)))
    rules = {"input": [MASK | {"restore": True}]}
    asked = turn(models, "Find ada@example.com", rules=rules, client_tools=[tool])
    await asked.run()
    assert asked.pending[0].arguments == '{"q":"ada@example.com"}'
    assert "ada" not in json.dumps(asked.messages)


async def test_a_moderation_model_refuses_and_is_paid_for() -> None:
    judge = Judge(scripted())
    asked = turn(judge, "Let us fight", rules={"input": [MODERATION]})
    await asked.run()
    assert acted(asked) == [("input", "moderation", "block", 1)]
    assert asked.usage == [Usage("omni-moderation-latest", 3, 0, 0, 2)]


@pytest.mark.parametrize(
    ("rule", "refused"),
    [
        ({"threshold": 0.6}, True),
        ({"threshold": 0.8}, False),
        ({"threshold": 0.1, "categories": ["hate"]}, True),
        ({"categories": ["hate"]}, False),
        ({"threshold": 0.1, "categories": ["unheard of"]}, False),
    ],
)
async def test_categories_and_thresholds_decide(rule: dict[str, Any], refused: bool) -> None:
    asked = turn(Judge(scripted(Reply("ok"))), "Let us fight", rules={"input": [MODERATION | rule]})
    await asked.run()
    assert (asked.reason == "content_filter") is refused


async def test_a_moderation_model_that_fails_refuses_unless_told_otherwise() -> None:
    error = ModelError("The provider failed.", status=500)
    closed = turn(Judge(scripted(), error), rules={"input": [MODERATION]})
    await closed.run()
    assert acted(closed) == [("input", "moderation", "block", 0)]
    opened = turn(Judge(scripted(Reply("ok")), error), rules={"input": [MODERATION | {"on_error": "pass"}]})
    await opened.run()
    assert acted(opened) == [("input", "moderation", "pass", 0)]
    assert opened.output == "ok"


async def test_moderation_comes_after_masks() -> None:
    judge = Judge(scripted(Reply("ok")))
    await turn(judge, "I am ada@example.com", rules={"input": [MASK, MODERATION]}).run()
    assert judge.asked == ["I am [EMAIL_1]"]


async def test_bedrocks_guardrail_goes_along_and_shows_when_it_acts() -> None:
    models = scripted(Reply("Sorry, no.", reason="content_filter"))
    asked = turn(models, rules={"input": [{"type": "bedrock", "id": "gr-1", "version": "2"}]})
    await asked.run()
    assert models.requests[0].guardrail == {"id": "gr-1", "version": "2"}
    assert acted(asked) == [("output", "bedrock", "block", 1)]
    assert (asked.output, asked.reason) == ("Sorry, no.", "content_filter")


async def test_echo_does_not_talk_past_bedrocks_guardrail() -> None:
    rules = {"input": [{"type": "bedrock", "id": "gr-1"}]}
    with pytest.raises(ModelError, match="Bedrock"):
        await Turn(agent(GREETER, guardrails=rules, defaultModel="Echo"), "Hi", Ports()).run()


@pytest.mark.parametrize(
    "rules",
    ["none", [], 0, {"inputs": []}, {"input": [{"type": "deny", "patterns": []}]}, {"input": [{"type": "unheard"}]}],
)
async def test_broken_guardrails_keep_the_agent_from_talking(rules: Any) -> None:
    models = scripted(Reply("never asked"))
    with pytest.raises(ConversationError) as error:
        turn(models, rules=rules).check()
    assert error.value.code == "guardrails_unusable"
    with pytest.raises(ConversationError):
        await turn(models, rules=rules).run()
    assert models.requests == []


async def test_the_log_tells_of_every_act_and_of_no_find() -> None:
    telemetry = MemoryTelemetry()
    asked = turn(scripted(Reply("ok")), "I am ada@example.com", rules={"input": [MASK]}, telemetry=telemetry)
    events = await listen(asked)
    told = {"stage": "input", "rule": "pii", "action": "mask", "count": 1}
    assert telemetry.guardrails == [("agent-1", told)]
    assert {"type": "guardrail", **told} in [event.as_json() for event in events]
