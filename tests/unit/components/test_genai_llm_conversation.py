from __future__ import annotations

import pytest

from smyth.connectors.ports import Ports

SYSTEM = {"role": "system", "content": "Assistant Name : A\n\nBe kind."}
CALLS = [{"id": "c1", "type": "function", "function": {"name": "write", "arguments": "{}"}}]


@pytest.fixture
def messages_sent(outputs_of, scripted_model):
    async def send(data, **run):
        model = scripted_model("x")
        await outputs_of("GenAILLM", {"model": "m", "prompt": "P"} | data, {}, ports=Ports(models=model), **run)
        return model.requests[0].messages

    return send


async def test_sends_the_prompt_alone_unless_told_otherwise(messages_sent):
    conversation = [SYSTEM, {"role": "user", "content": "hello"}]
    assert await messages_sent({}, conversation=conversation, behavior="B") == [{"role": "user", "content": "P"}]


async def test_uses_the_system_text_of_the_chat_before_the_behavior(messages_sent):
    data = {"useSystemPrompt": True}
    assert (await messages_sent(data, conversation=[SYSTEM], behavior="B"))[0] == SYSTEM
    assert (await messages_sent(data, behavior="B"))[0] == {"role": "system", "content": "B"}
    assert await messages_sent(data) == [{"role": "user", "content": "P"}]


async def test_replaces_the_newest_question_by_the_prompt(messages_sent):
    conversation = [
        SYSTEM,
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "one", "passThrough": True},
        {"role": "user", "content": "second"},
        {"role": "assistant", "content": "", "tool_calls": CALLS},
    ]
    assert await messages_sent({"useContextWindow": True}, conversation=conversation) == [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "one"},
        {"role": "user", "content": "P"},
    ]


async def test_asks_after_the_newest_answer(messages_sent):
    conversation = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    sent = await messages_sent({"useContextWindow": True}, conversation=conversation)
    assert sent == [*conversation, {"role": "user", "content": "P"}]


async def test_keeps_the_newest_messages_that_fit(messages_sent):
    conversation = [{"role": "assistant", "content": f"{number}" * 40} for number in range(5)]
    sent = await messages_sent({"useContextWindow": True, "maxContextWindowLength": 28}, conversation=conversation)
    assert [message["content"][0] for message in sent] == ["3", "4", "P"]


async def test_counts_the_system_text_into_the_window(messages_sent):
    conversation = [{"role": "system", "content": "s" * 40}, {"role": "assistant", "content": "a" * 40}]
    data = {"useContextWindow": True, "useSystemPrompt": True, "maxContextWindowLength": "20"}
    assert [message["role"] for message in await messages_sent(data, conversation=conversation)] == ["system", "user"]


async def test_sends_no_tool_answer_without_its_question(messages_sent):
    conversation = [
        {"role": "assistant", "content": "", "tool_calls": CALLS},
        {"role": "tool", "tool_call_id": "c1", "name": "write", "content": "r"},
        {"role": "assistant", "content": "done"},
    ]
    sent = await messages_sent({"useContextWindow": True, "maxContextWindowLength": 12}, conversation=conversation)
    assert [message["role"] for message in sent] == ["assistant", "user"]


async def test_leaves_the_conversation_as_it_is(messages_sent):
    conversation = [{"role": "user", "content": "q"}]
    await messages_sent({"useContextWindow": True}, conversation=conversation)
    assert conversation == [{"role": "user", "content": "q"}]
