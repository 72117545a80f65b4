"""Conversations of users: told apart, listed, read and deleted through their function."""

from __future__ import annotations

import asyncio
import base64
from typing import Any
from urllib.parse import quote

import pytest

from smyth.connectors.models.port import ToolCall
from smyth.http.services import services
from smyth.platform.conversation_records import Owner
from smyth.platform.conversations import Conversations
from tests.integration.events import Answer, Context, call, caller_context
from tests.integration.talkers import NOBODY, ledger, script_models, statuses, talker
from tests.peers.scripted_models import Reply, ScriptedModels


def say(caller: Context, agent_id: str, message: str, **members: Any) -> str:
    answer = call("POST", f"/api/agents/{agent_id}/chat", body={"message": message, **members}, caller=caller)
    assert answer.status == 200, answer.content
    return str(answer.json()["conversation_id"])


def get(caller: Context, agent_id: str, rest: str = "", query: str = "") -> Answer:
    return call("GET", f"/api/agents/{agent_id}/conversations{rest}{query}", caller=caller)


def drop(caller: Context, agent_id: str, conversation_id: str, user: str = "") -> int:
    query = f"?user={quote(user)}" if user else ""
    return call("DELETE", f"/api/agents/{agent_id}/conversations/{conversation_id}{query}", caller=caller).status


def titles(caller: Context, agent_id: str, user: str = "") -> list[str]:
    answer = get(caller, agent_id, query=f"?user={quote(user)}" if user else "")
    assert answer.status == 200, answer.content
    return [item["title"] for item in answer.json()["items"]]


def left_behind(caller: Context) -> list[str]:
    """What the table and the bucket hold of the tenant's conversations."""
    tenant_id = caller["tenant_id"]
    pages = services().table.client.get_paginator("scan").paginate(TableName=services().table.name)
    keys = [f"{item['pk']['S']} {item['sk']['S']}" for page in pages for item in page["Items"]]
    items = [key for key in keys if key.startswith((f"T#{tenant_id}#C#", f"T#{tenant_id}#CHATS#"))]
    return items + services().bucket.keys(f"t/{tenant_id}/conversations/")


def test_conversations_are_listed_by_their_last_turn(caller: Context) -> None:
    agent_id = talker(caller)
    first = say(caller, agent_id, "the first  of\nall")
    second = say(caller, agent_id, "second")
    assert titles(caller, agent_id) == ["second", "the first of all"]
    say(caller, agent_id, "more", conversation_id=first)
    newest, older = get(caller, agent_id).json()["items"]
    assert (newest["conversation_id"], newest["turns"], newest["title"]) == (first, 2, "the first of all")
    assert (older["conversation_id"], older["turns"], older["user"]) == (second, 1, None)
    assert newest["tokens"] > older["tokens"] > 0
    assert newest["updated_at"] >= older["updated_at"] >= older["created_at"]


def test_a_long_first_message_gives_a_short_title(caller: Context) -> None:
    agent_id = talker(caller)
    say(caller, agent_id, "word " * 1_000)
    [title] = titles(caller, agent_id)
    assert len(title) <= 80
    assert title.startswith("word word")
    assert title.endswith("…")


def test_the_list_comes_in_pages(caller: Context) -> None:
    agent_id = talker(caller)
    for number in range(5):
        say(caller, agent_id, f"number {number}", user="ada")
    found: list[str] = []
    cursor = ""
    while cursor is not None:
        body = get(caller, agent_id, query=f"?user=ada&limit=2&cursor={cursor}").json()
        assert len(body["items"]) <= 2
        found += [item["title"] for item in body["items"]]
        cursor = body["next_cursor"]
    assert found == [f"number {number}" for number in range(4, -1, -1)]


def test_users_have_conversations_of_their_own(caller: Context) -> None:
    agent_id = talker(caller)
    users = ["", "ada", "ada.b", "ada@example.com", "auth0|7"]
    for user in users:
        said = {"user": user} if user else {}
        say(caller, agent_id, f"I am {user}", conversation_id="room", **said)
    for user in users:
        assert titles(caller, agent_id, user) == [f"I am {user}".strip()]
        body = get(caller, agent_id, "/room", f"?user={quote(user)}" if user else "").json()
        assert [message["content"] for message in body["items"]] == [f"I am {user}"] * 2
        assert body["user"] == (user or None)
    assert drop(caller, agent_id, "room", "ada") == 204
    assert [titles(caller, agent_id, user) != [] for user in users] == [True, False, True, True, True]
    history = call("GET", f"/api/agents/{agent_id}/chat?conversation_id=room&user=ada.b", caller=caller)
    assert [message["content"] for message in history.json()["messages"]] == ["I am ada.b"] * 2


def test_a_conversation_of_another_user_is_unknown(caller: Context) -> None:
    agent_id = talker(caller)
    mine = say(caller, agent_id, "secret", user="ada")
    for query in ("", "?user=bob"):
        assert get(caller, agent_id, f"/{mine}", query).status == 404
        assert (
            call("GET", f"/api/agents/{agent_id}/chat?conversation_id={mine}&{query[1:]}", caller=caller).status == 404
        )
    body = {"message": "hello", "conversation_id": mine, "user": "bob"}
    assert call("POST", f"/api/agents/{agent_id}/chat", body=body, caller=caller).status == 404
    assert drop(caller, agent_id, mine, "bob") == 404
    assert drop(caller, agent_id, f"ada%23{mine}") == 404
    assert get(caller, agent_id, f"/ada%23{mine}").status == 404
    assert titles(caller, agent_id, "ada") == ["secret"]


@pytest.mark.parametrize("user", ["a#b", "a/b", "@ada", "x" * 129, "a b", "%0A"])
def test_users_that_cannot_be_named_are_refused(caller: Context, user: str) -> None:
    agent_id = talker(caller)
    assert get(caller, agent_id, query=f"?user={quote(user)}").status == 422
    body = {"message": "x", "user": user}
    assert call("POST", f"/api/agents/{agent_id}/chat", body=body, caller=caller).status == 422


def test_conversations_of_others_are_neither_seen_nor_deleted(caller: Context) -> None:
    agent_id, other_agent = talker(caller), talker(caller)
    mine = say(caller, agent_id, "mine")
    stranger = caller_context()
    for who, agent in ((stranger, agent_id), (stranger, talker(stranger)), (caller, other_agent), (caller, NOBODY)):
        assert get(who, agent, f"/{mine}").status == 404
        assert drop(who, agent, mine) == 404
    assert titles(caller, other_agent) == []
    assert get(stranger, agent_id).status == 404
    assert titles(caller, agent_id) == ["mine"]


def test_messages_come_in_pages_with_tools_visible(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = talker(caller, model="scripted")
    calls = (ToolCall("c1", "greet", '{"who":"Ada"}'),)
    script_models(monkeypatch, Reply("One moment. ", calls=calls), Reply("Greeted"), Reply("Bye"))
    conversation_id = say(caller, agent_id, "Greet Ada")
    say(caller, agent_id, "Thanks", conversation_id=conversation_id)
    whole = get(caller, agent_id, f"/{conversation_id}").json()
    assert whole["next_cursor"] is None
    messages = whole["items"]
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "assistant", "user", "assistant"]
    assert messages[1]["tool_calls"] == [{"id": "c1", "name": "greet", "arguments": '{"who":"Ada"}'}]
    assert (messages[2]["tool_call_id"], messages[2]["name"], messages[2]["content"]) == (
        "c1",
        "greet",
        '{"who":"Ada"}',
    )
    assert all(message["at"].endswith("Z") for message in messages)
    found: list[Any] = []
    cursor = ""
    while cursor is not None:
        page = get(caller, agent_id, f"/{conversation_id}", f"?limit=1&cursor={cursor}").json()
        found += page["items"]
        cursor = page["next_cursor"]
    assert found == messages


@pytest.mark.parametrize("cursor", ["x", "MDAw", base64.urlsafe_b64encode(b"1.x").decode()])
def test_foreign_cursors_are_refused(caller: Context, cursor: str) -> None:
    agent_id = talker(caller)
    conversation_id = say(caller, agent_id, "x")
    assert get(caller, agent_id, query=f"?cursor={quote(cursor)}").status == 422
    assert get(caller, agent_id, f"/{conversation_id}", f"?cursor={quote(cursor)}").status == 422


def test_a_deleted_conversation_leaves_nothing_behind(caller: Context) -> None:
    agent_id = talker(caller)
    kept = say(caller, agent_id, "kept", conversation_id="kept")
    for _ in range(26):  # More than one batch.
        say(caller, agent_id, "some", conversation_id="gone", user="ada")
    gone = say(caller, agent_id, "x" * 200_000, conversation_id="gone", user="ada")
    assert any("conversations/@ada/gone/" in key for key in left_behind(caller))
    assert drop(caller, agent_id, gone, "ada") == 204
    assert not any("gone" in key for key in left_behind(caller))
    assert drop(caller, agent_id, gone, "ada") == 404
    assert get(caller, agent_id, "/gone", "?user=ada").status == 404
    assert titles(caller, agent_id) == [kept]


def test_a_name_can_be_used_again_after_deletion(caller: Context) -> None:
    agent_id = talker(caller)
    say(caller, agent_id, "old", conversation_id="room")
    drop(caller, agent_id, "room")
    say(caller, agent_id, "new", conversation_id="room")
    body = get(caller, agent_id, "/room").json()
    assert (body["title"], body["turns"]) == ("new", 1)
    assert [message["content"] for message in body["items"]] == ["new", "new"]


def test_a_turn_at_work_on_a_deleted_conversation_is_told_so(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = talker(caller, model="scripted")
    models = script_models(monkeypatch, Reply("fine"), Reply("too late"), Reply("fresh"))
    say(caller, agent_id, "first", conversation_id="room")
    stream = models.stream

    async def delete_meanwhile(self: ScriptedModels, request: Any) -> Any:
        assert await asyncio.to_thread(drop, caller, agent_id, "room") == 204
        async for event in stream(request):
            yield event

    with monkeypatch.context() as patch:
        patch.setattr(ScriptedModels, "stream", delete_meanwhile)
        body = {"message": "second", "conversation_id": "room"}
        answer = call("POST", f"/api/agents/{agent_id}/chat", body=body, caller=caller)
    assert answer.status == 409
    assert "deleted meanwhile" in answer.json()["detail"]
    assert statuses(caller) == ["settled", "settled"]
    assert left_behind(caller) == []
    say(caller, agent_id, "third", conversation_id="room")
    assert [message["content"] for message in get(caller, agent_id, "/room").json()["items"]] == ["third", "fresh"]


def test_an_agents_conversations_go_with_it(caller: Context) -> None:
    agent_id, other_agent = talker(caller), talker(caller)
    for number in range(5):
        say(caller, agent_id, f"{number}", user=f"user{number}")
    say(caller, agent_id, "x" * 200_000)
    say(caller, other_agent, "stays", conversation_id="stays")
    assert call("DELETE", f"/api/agents/{agent_id}", caller=caller).status == 204
    assert {key.split("#C#")[-1].split("/")[-1].split(" ")[0] for key in left_behind(caller)} == {
        "stays",
        f"T#{caller['tenant_id']}#CHATS#{other_agent}",
    }


def test_an_agent_with_too_many_conversations_is_deleted_bit_by_bit(
    caller: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent_id = talker(caller)
    say(caller, agent_id, "one")
    monkeypatch.setattr("functions.delete_agent.handler._SECONDS_FOR_CONVERSATIONS", -1)
    answer = call("DELETE", f"/api/agents/{agent_id}", caller=caller)
    assert answer.status == 503
    assert answer.headers["retry-after"] == "1"
    monkeypatch.undo()
    assert titles(caller, agent_id) == ["one"]
    assert call("DELETE", f"/api/agents/{agent_id}", caller=caller).status == 204
    assert left_behind(caller) == []


def test_reading_listing_and_deleting_cost_nothing(caller: Context) -> None:
    agent_id = talker(caller)
    conversation_id = say(caller, agent_id, "x")
    get(caller, agent_id)
    get(caller, agent_id, f"/{conversation_id}")
    drop(caller, agent_id, conversation_id)
    assert len(ledger(caller)) == 1


def test_viewers_read_and_do_not_delete(caller: Context) -> None:
    agent_id = talker(caller)
    conversation_id = say(caller, agent_id, "x")
    viewer = caller_context(caller["tenant_id"], role="viewer")
    assert get(viewer, agent_id, f"/{conversation_id}").status == 200
    assert drop(viewer, agent_id, conversation_id) == 403


def test_a_turn_takes_two_writes(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = services().conversations
    owner = Owner(caller["tenant_id"], NOBODY, "ada")
    counted: list[str] = []
    for name in ("put_item", "update_item", "delete_item", "transact_write_items", "batch_write_item"):
        original = getattr(services().table.client, name)

        def counting(*, _original: Any = original, _name: str = name, **request: Any) -> Any:
            counted.append(_name)
            return _original(**request)

        monkeypatch.setattr(services().table.client, name, counting)
    for _ in range(3):
        held = memory.begin(owner, "room", "holder")
        memory.end(held, "holder", [{"role": "user", "content": "x"}], model="m", input_tokens=1, output_tokens=1)
    assert counted == ["update_item", "transact_write_items"] * 3


def test_two_turns_in_one_millisecond_leave_one_place_in_the_list(caller: Context) -> None:
    now = services().conversations._now()
    memory = Conversations(services().conversations._store, lambda: now)
    owner = Owner(caller["tenant_id"], NOBODY)
    for _ in range(2):
        held = memory.begin(owner, "room", "holder")
        memory.end(held, "holder", [{"role": "user", "content": "x"}], model="m", input_tokens=1, output_tokens=1)
    assert [(one.id, one.turns) for one in memory.page(owner, limit=5)[0]] == [("room", 2)]
