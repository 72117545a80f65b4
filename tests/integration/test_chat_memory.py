"""What chats remember: files, summaries, days; and many turns at once."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from smyth.connectors.models.port import Limits, ModelError
from smyth.http.services import services
from smyth.platform.conversation_records import Owner
from smyth.platform.conversation_store import LEASE
from smyth.platform.conversations import Conversations
from smyth.platform.times import utc_now
from tests.integration.events import Answer, Context, call
from tests.integration.talkers import ledger, script_models, talker
from tests.peers.scripted_models import Reply, ScriptedModels
from tests.unit.conversation.agents import answering

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(64)).decode()
TURNS = 20


def say(caller: Context, agent_id: str, message: str, **members: Any) -> Answer:
    return call("POST", f"/api/agents/{agent_id}/chat", body={"message": message, **members}, caller=caller)


def messages(caller: Context, agent_id: str, conversation_id: str) -> list[dict[str, Any]]:
    answer = call("GET", f"/api/agents/{agent_id}/conversations/{conversation_id}?limit=100", caller=caller)
    assert answer.status == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def rememberer(caller: Context, **memory: Any) -> str:
    """Import an agent with settings for its memory."""
    document = {"name": "R", "behavior": "Be kind.", "defaultModel": "scripted", "memory": memory, "connections": []}
    answer = call("POST", "/api/agents/import", body={**document, "components": []}, caller=caller)
    assert answer.status == 201, answer.content
    return str(answer.json()["id"])


def test_a_file_is_shown_again_in_later_turns(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = talker(caller, model="scripted")
    models = script_models(monkeypatch, *[Reply("I see")] * 3)
    file = {"url": f"data:image/png;base64,{PNG}", "name": "cat.png"}
    for message in ("Look", "Look again"):
        assert say(caller, agent_id, message, files=[file], conversation_id="pictures").status == 200
    assert say(caller, agent_id, "What was it?", conversation_id="pictures").status == 200
    sent = json.dumps(models.requests[2].messages)
    assert sent.count(PNG) == 2
    folder = f"t/{caller['tenant_id']}/conversations/pictures/"
    assert len([key for key in services().bucket.keys(folder) if "/attachments/" in key]) == 1
    first = messages(caller, agent_id, "pictures")[0]
    assert first["attachments"] == [{"name": "cat.png", "type": "image/png", "size": len(PNG) + 22}]
    assert PNG not in json.dumps(messages(caller, agent_id, "pictures"))
    history = call("GET", f"/api/agents/{agent_id}/chat?conversation_id=pictures", caller=caller)
    assert history.json()["messages"][0]["attachments"][0]["name"] == "cat.png"
    assert call("DELETE", f"/api/agents/{agent_id}/conversations/pictures", caller=caller).status == 204
    assert services().bucket.keys(folder) == []


def test_what_is_kept_in_the_bucket_is_tagged_to_go(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = rememberer(caller, keep_days=30)
    script_models(monkeypatch, Reply("I see"))
    say(caller, agent_id, "Look", files=[f"data:image/png;base64,{PNG}"], conversation_id="pictures")
    [key] = services().bucket.keys(f"t/{caller['tenant_id']}/conversations/pictures/")
    tags = services().bucket.client.get_object_tagging(Bucket=services().bucket.name, Key=key)["TagSet"]
    assert tags == [{"Key": "expires-days", "Value": "91"}]


@pytest.mark.parametrize(("memory", "days"), [({}, 90), ({"keep_days": 2}, 2), ({"keep_days": 365}, 365)])
def test_turns_are_kept_for_the_agents_days(
    caller: Context, monkeypatch: pytest.MonkeyPatch, memory: dict[str, Any], days: int
) -> None:
    agent_id = rememberer(caller, **memory)
    script_models(monkeypatch, Reply("Yes"))
    say(caller, agent_id, "Hello", conversation_id="room")
    store = services().conversations._store
    for moment, kept in ((timedelta(days=days, seconds=-60), 1), (timedelta(days=days, seconds=1), 0)):
        memory_then = Conversations(store, lambda moment=moment: utc_now() + moment)  # type: ignore[misc]
        owner = Owner(caller["tenant_id"], agent_id)
        assert len(memory_then.page(owner, limit=5)[0]) == kept
        assert len(memory_then.history(owner, "room")) == 2 * kept


@pytest.mark.parametrize("memory", [{"keep_days": 0}, {"keep_days": 366}, {"unknown": 1}, {"summary": "perhaps"}, 7])
def test_settings_that_cannot_be_used_are_told_and_left_out(caller: Context, memory: Any) -> None:
    document = {"name": "R", "defaultModel": "Echo", "memory": memory, "components": [], "connections": []}
    answer = call("POST", "/api/agents/import", body=document, caller=caller)
    assert answer.status == 201
    assert "memory_unusable" in {finding["code"] for finding in answer.json()["warnings"]}
    assert say(caller, answer.json()["id"], "Hello").status == 200


def small_window(monkeypatch: pytest.MonkeyPatch, *replies: Reply) -> ScriptedModels:
    models = script_models(monkeypatch, *replies)
    models.known["scripted"] = Limits(context_window=1_000, max_output=200)
    models.known["summarist"] = Limits(context_window=8_000, max_output=500)
    return models


def test_what_no_longer_fits_is_summed_up_once(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = rememberer(caller, summary=True, summary_model="summarist")
    replies = [Reply("a" * 1_500), Reply("b" * 1_500), Reply("Ada likes tea."), Reply("c"), Reply("d")]
    models = small_window(monkeypatch, *replies)
    for message in ("I am Ada, I like tea", "second", "third", "fourth"):
        assert say(caller, agent_id, message, conversation_id="long").status == 200
    models_asked = [request.model for request in models.requests]
    assert models_asked == ["scripted", "scripted", "summarist", "scripted", "scripted"]
    transcript = models.requests[2].messages[1]["content"]
    assert "User: I am Ada, I like tea" in transcript
    for request in models.requests[3:]:
        assert request.messages[0]["role"] == "system"
        assert "Ada likes tea." not in request.messages[0]["content"]
        assert request.messages[1]["role"] == "user"
        assert "Ada likes tea." in request.messages[1]["content"]
        assert "I am Ada" not in json.dumps(request.messages)
    assert [message["content"][:9] for message in messages(caller, agent_id, "long") if message["role"] == "user"] == [
        "I am Ada,",
        "second",
        "third",
        "fourth",
    ]
    third = ledger(caller)[2]
    assert (third.status, third.input_tokens, third.provider_cost) == ("settled", 20, 60)
    assert third.model == "scripted"


def test_a_later_summary_continues_the_earlier_one(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = rememberer(caller, summary=True)
    replies = [Reply("a" * 5_000), Reply("First summary."), Reply("b" * 5_000), Reply("Second summary."), Reply("c")]
    models = small_window(monkeypatch, *replies)
    for message in ("one", "two", "three"):
        assert say(caller, agent_id, message, conversation_id="long").status == 200
    assert "First summary." in models.requests[3].messages[1]["content"]
    last = json.dumps(models.requests[4].messages)
    assert "Second summary." in last
    assert "First summary." not in last


@pytest.mark.parametrize("reply", [Reply(error=ModelError("down")), Reply(""), Reply("half", error=ModelError("cut"))])
def test_a_summary_that_fails_does_not_fail_the_turn(
    caller: Context, monkeypatch: pytest.MonkeyPatch, reply: Reply
) -> None:
    agent_id = rememberer(caller, summary=True)
    models = small_window(monkeypatch, Reply("a" * 5_000), reply, Reply("fine"), Reply("Now in short."), Reply("ok"))
    assert say(caller, agent_id, "one", conversation_id="long").status == 200
    assert say(caller, agent_id, "two", conversation_id="long").json()["output"] == "fine"
    assert say(caller, agent_id, "three", conversation_id="long").status == 200
    assert "Now in short." in json.dumps(models.requests[4].messages)


def test_a_summary_by_an_unknown_model_does_not_fail_the_turn(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = rememberer(caller, summary=True, summary_model="nobody")
    small_window(monkeypatch, Reply("a" * 5_000), Reply("fine"))
    say(caller, agent_id, "one", conversation_id="long")
    assert say(caller, agent_id, "two", conversation_id="long").json()["output"] == "fine"


def test_without_the_setting_nothing_is_summed_up(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = rememberer(caller)
    models = small_window(monkeypatch, Reply("a" * 5_000), Reply("fine"))
    say(caller, agent_id, "one", conversation_id="long")
    say(caller, agent_id, "two", conversation_id="long")
    assert [message["content"] for message in models.requests[1].messages[1:]] == ["two"]


def test_streams_are_summed_up_too(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = rememberer(caller, summary=True)
    models = small_window(monkeypatch, Reply("a" * 5_000), Reply("In short."), Reply("fine"))
    say(caller, agent_id, "one", conversation_id="long", user="ada")
    body = {"message": "two", "conversation_id": "long", "user": "ada"}
    answer = call("POST", f"/api/agents/{agent_id}/stream", body=body, caller=caller)
    assert b'"type": "end"' in answer.content
    assert "In short." in json.dumps(models.requests[2].messages)


def test_many_turns_at_once_neither_interleave_nor_get_lost(caller: Context) -> None:
    agent_id = talker(caller, **answering("greet", {"name": "who"}))
    wanted = [f"message {number}" for number in range(TURNS)]

    def one(message: str) -> int:
        for _ in range(10):
            status = say(caller, agent_id, message, conversation_id="busy", user="ada").status
            if status != 409:  # It waited its time out; clients send it again.
                return status
        return 409

    with ThreadPoolExecutor(TURNS) as pool:
        assert list(pool.map(one, wanted)) == [200] * TURNS
    path = f"/api/agents/{agent_id}/conversations"
    spoken = call("GET", f"{path}/busy?user=ada&limit=100", caller=caller).json()
    assert spoken["turns"] == TURNS
    said = [(message["role"], message["content"]) for message in spoken["items"]]
    assert sorted(content for role, content in said[0::2] if role == "user") == sorted(wanted)
    assert said[1::2] == [("assistant", content) for _, content in said[0::2]]
    assert [item["turns"] for item in call("GET", f"{path}?user=ada", caller=caller).json()["items"]] == [TURNS]


def test_turns_go_on_after_one_that_was_killed(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = talker(caller)
    say(caller, agent_id, "first", conversation_id="room")
    owner = Owner(caller["tenant_id"], agent_id)
    memory = services().conversations
    # Held by a function that is gone; its lease began a while ago.
    past = Conversations(memory._store, lambda: utc_now() - LEASE + timedelta(seconds=1))
    killed = past.begin(owner, "room", "killed")
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda number: say(caller, agent_id, f"m{number}", conversation_id="room").status, range(8))
        )
    assert answers == [200] * 8
    assert len(messages(caller, agent_id, "room")) == 18
    memory.abandon(killed, "killed")
    assert say(caller, agent_id, "last", conversation_id="room").status == 200


def test_the_memory_of_an_agent_is_set_and_shown_by_the_api(caller: Context) -> None:
    agent_id = talker(caller, memory={"keep_days": 7})
    path = f"/api/agents/{agent_id}"
    assert call("GET", path, caller=caller).json()["memory"] == {"keep_days": 7}
    assert call("PATCH", path, body={"memory": {"summary": True}}, caller=caller).status == 200
    assert call("GET", path, caller=caller).json()["memory"] == {"summary": True}
    assert call("PATCH", path, body={"memory": {"keep_days": 400}}, caller=caller).status == 422
    assert call("PATCH", path, body={"memory": None}, caller=caller).status == 200
    assert call("GET", path, caller=caller).json()["memory"] is None
