"""Conversations through their function: remembered, told apart, one turn at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest

from smyth.connectors.models.port import ModelError, ToolCall
from smyth.http.services import services
from smyth.platform.conversation_records import Owner
from smyth.platform.conversations import Conversations
from tests.integration.events import Answer, Context, call, caller_context
from tests.integration.talkers import NOBODY, ledger, script_models, statuses, talker
from tests.peers.scripted_models import Reply


def say(caller: Context, agent_id: str, message: str, **members: Any) -> Answer:
    return call("POST", f"/api/agents/{agent_id}/chat", body={"message": message, **members}, caller=caller)


def say_by_query(caller: Context, agent_id: str, message: str, conversation_id: str = "") -> Answer:
    query = f"message={quote(message)}" + (f"&conversation_id={conversation_id}" if conversation_id else "")
    return call("GET", f"/api/agents/{agent_id}/chat?{query}", caller=caller)


def read(caller: Context, agent_id: str, conversation_id: str) -> Answer:
    return call("GET", f"/api/agents/{agent_id}/chat?conversation_id={conversation_id}", caller=caller)


def said(caller: Context, agent_id: str, conversation_id: str) -> list[tuple[str, str]]:
    answer = read(caller, agent_id, conversation_id)
    assert answer.status == 200, answer.content
    return [(message["role"], message["content"]) for message in answer.json()["messages"]]


def test_a_conversation_is_remembered(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = talker(caller, model="scripted")
    models = script_models(monkeypatch, Reply("I am well"), Reply("I said so"))
    first = say(caller, agent_id, "How are you?").json()
    second = say_by_query(caller, agent_id, "What & how?", first["conversation_id"]).json()
    assert second["conversation_id"] == first["conversation_id"]
    assert [message["content"] for message in models.requests[1].messages[1:]] == [
        "How are you?",
        "I am well",
        "What & how?",
    ]
    answer = read(caller, agent_id, first["conversation_id"]).json()
    assert answer["conversation_id"] == first["conversation_id"]
    assert [(message["role"], message["content"]) for message in answer["messages"]] == [
        ("user", "How are you?"),
        ("assistant", "I am well"),
        ("user", "What & how?"),
        ("assistant", "I said so"),
    ]
    assert all(message["at"].endswith("Z") for message in answer["messages"])


def test_an_answer_is_shaped_as_a_prompts(caller: Context) -> None:
    answer = say_by_query(caller, talker(caller), "hello there")
    assert answer.status == 200
    body = answer.json()
    assert body["output"] == "hello there"
    prompts = {"output", "tool_calls", "model", "finish_reason", "usage", "cost", "request_id"}
    assert set(body) == prompts | {"conversation_id"}
    assert answer.headers["x-usage-cost"] == body["cost"]


def test_tool_rounds_are_remembered_for_the_model(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = talker(caller, model="scripted")
    calls = (ToolCall("c1", "greet", '{"who":"Ada"}'),)
    models = script_models(monkeypatch, Reply("One moment. ", calls=calls), Reply("Greeted"), Reply("Yes"))
    conversation_id = say(caller, agent_id, "Greet Ada").json()["conversation_id"]
    say(caller, agent_id, "Really?", conversation_id=conversation_id)
    roles = [message["role"] for message in models.requests[2].messages]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "user"]
    assert models.requests[2].messages[3]["content"] == '{"who":"Ada"}'


def test_reading_costs_nothing(caller: Context) -> None:
    agent_id = talker(caller)
    conversation_id = say(caller, agent_id, "x").json()["conversation_id"]
    said(caller, agent_id, conversation_id)
    assert len(ledger(caller)) == 1


def test_a_name_that_the_client_chose_is_made_when_missing(caller: Context) -> None:
    agent_id = talker(caller)
    assert say(caller, agent_id, "one", conversation_id="my-chat").json()["conversation_id"] == "my-chat"
    assert say(caller, agent_id, "two", conversation_id="my-chat").status == 200
    assert len(said(caller, agent_id, "my-chat")) == 4


def test_conversations_of_others_are_unknown(caller: Context) -> None:
    agent_id, other_agent = talker(caller), talker(caller)
    conversation_id = say(caller, agent_id, "secret").json()["conversation_id"]
    stranger = caller_context()
    strangers_agent = talker(stranger)
    for who, agent in ((stranger, agent_id), (stranger, strangers_agent), (caller, other_agent)):
        assert read(who, agent, conversation_id).status == 404
        assert say(who, agent, "x", conversation_id=conversation_id).status == 404
    assert said(caller, agent_id, conversation_id) == [("user", "secret"), ("assistant", "secret")]


def test_a_chosen_name_belongs_to_one_agent(caller: Context) -> None:
    agent_id, other_agent = talker(caller), talker(caller)
    say(caller, agent_id, "one", conversation_id="mine")
    assert say(caller, other_agent, "two", conversation_id="mine").status == 404
    assert read(caller, other_agent, "mine").status == 404
    assert statuses(caller) == ["settled", "released"]


@pytest.mark.parametrize("conversation_id", ["cnv-01k00000000000000000000000", "never-spoken"])
def test_an_unknown_conversation_cannot_be_read(caller: Context, conversation_id: str) -> None:
    assert read(caller, talker(caller), conversation_id).status == 404


def test_a_conversation_we_never_made_is_unknown(caller: Context) -> None:
    answer = say(caller, talker(caller), "x", conversation_id="cnv-01k00000000000000000000000")
    assert answer.status == 404
    assert "Leave conversation_id out" in answer.json()["detail"]


def test_turns_at_once_neither_interleave_nor_get_lost(caller: Context) -> None:
    agent_id = talker(caller)
    conversation_id = say(caller, agent_id, "start").json()["conversation_id"]
    messages = [f"message {number}" for number in range(8)]

    def one(message: str) -> int:
        return say(caller, agent_id, message, conversation_id=conversation_id).status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, messages)) == {200}
    spoken = said(caller, agent_id, conversation_id)[2:]
    assert sorted(content for role, content in spoken if role == "user") == messages
    assert spoken[0::2] == [("user", content) for _, content in spoken[1::2]]
    assert {role for role, _ in spoken[1::2]} == {"assistant"}


def test_first_turns_at_once_under_one_chosen_name_make_one_conversation(caller: Context) -> None:
    agent_id = talker(caller)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: say(caller, agent_id, f"m{n}", conversation_id="room"), range(4)))
    assert {answer.status for answer in answers} == {200}
    assert len(said(caller, agent_id, "room")) == 8


def test_a_turn_that_waits_too_long_is_told_to_come_again(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = talker(caller)
    conversation_id = say(caller, agent_id, "x").json()["conversation_id"]
    memory = services().conversations
    memory.begin(Owner(caller["tenant_id"], agent_id), conversation_id, "another-request")
    monkeypatch.setitem(vars(services()), "conversations", Conversations(memory._store, patience_s=0))
    answer = say(caller, agent_id, "y", conversation_id=conversation_id)
    assert answer.status == 409
    assert answer.headers["retry-after"] == "2"
    assert statuses(caller) == ["settled", "released"]
    assert len(said(caller, agent_id, conversation_id)) == 2


def test_a_turn_that_fails_leaves_the_conversation_as_it_was(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = talker(caller, model="scripted")
    script_models(monkeypatch, Reply("fine"), Reply(error=ModelError("no")), Reply("fine again"))
    conversation_id = say(caller, agent_id, "one").json()["conversation_id"]
    assert say(caller, agent_id, "two", conversation_id=conversation_id).status == 502
    assert say(caller, agent_id, "three", conversation_id=conversation_id).status == 200
    assert [content for _, content in said(caller, agent_id, conversation_id)] == ["one", "fine", "three", "fine again"]
    assert statuses(caller) == ["settled", "settled", "settled"]


def test_a_first_turn_that_fails_leaves_no_conversation(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = talker(caller, model="scripted")
    script_models(monkeypatch, Reply(error=ModelError("no")))
    assert say(caller, agent_id, "one", conversation_id="fresh").status == 502
    assert read(caller, agent_id, "fresh").status == 404


def test_a_turn_too_large_for_an_item_is_remembered_whole(caller: Context) -> None:
    agent_id = talker(caller)
    text = "x" * 200_000
    conversation_id = say(caller, agent_id, text, conversation_id="large").json()["conversation_id"]
    assert said(caller, agent_id, conversation_id) == [("user", text), ("assistant", text)]
    assert services().bucket.keys(f"t/{caller['tenant_id']}/conversations/large/")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?message=",
        "?message=%20",
        "?message=%00",
        "?conversation_id=../x",
        "?conversation_id=a%2Fb&message=x",
        "?conversation_id=T%23other&message=x",
        "?message=x&unknown=1",
        "?message=x&model=",
        f"?message=x&conversation_id={'c' * 81}",
    ],
)
def test_a_query_that_makes_no_sense_is_refused_and_not_billed(caller: Context, query: str) -> None:
    answer = call("GET", f"/api/agents/{NOBODY}/chat{query}", caller=caller)
    assert answer.status == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert ledger(caller) == []


def test_an_unknown_agent_is_not_found(caller: Context) -> None:
    assert say(caller, NOBODY, "x").status == 404
    assert read(caller, NOBODY, "some").status == 404
