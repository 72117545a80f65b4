"""Guardrails through the functions: set, refused, shown, remembered, billed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.events import Answer, Context, call
from tests.integration.talkers import ledger, script_models, talker
from tests.peers.scripted_models import Reply

MASKS = {"input": [{"type": "pii", "entities": ["email"], "restore": True}]}
DENIES = {"input": [{"type": "deny", "patterns": ["blue moon"], "message": "Not that."}]}
REFUSED = {"stage": "input", "rule": "deny", "action": "block", "count": 1}


def ask(caller: Context, agent_id: str, surface: str = "prompt", **members: Any) -> Answer:
    return call("POST", f"/api/agents/{agent_id}/{surface}", body={"message": "Hi", **members}, caller=caller)


def imported(caller: Context, rules: Any) -> dict[str, Any]:
    document = {"version": "1.0.0", "name": "Guarded", "components": [], "connections": [], "guardrails": rules}
    answer = call("POST", "/api/agents/import", body=document, caller=caller)
    assert answer.status == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


def test_guardrails_are_set_changed_shown_and_taken_away(caller: Context) -> None:
    agent_id = talker(caller, guardrails=MASKS)
    path = f"/api/agents/{agent_id}"
    assert call("GET", path, caller=caller).json()["guardrails"] == MASKS
    assert call("GET", f"{path}/export", caller=caller).json()["guardrails"] == MASKS
    assert call("PATCH", path, body={"guardrails": DENIES}, caller=caller).status == 200
    assert call("GET", path, caller=caller).json()["guardrails"] == DENIES
    assert call("PATCH", path, body={"name": "Other"}, caller=caller).status == 200
    assert call("GET", path, caller=caller).json()["guardrails"] == DENIES
    call("PATCH", path, body={"guardrails": None}, caller=caller)
    assert call("GET", path, caller=caller).json()["guardrails"] is None
    assert "guardrails" not in call("GET", f"{path}/export", caller=caller).json()


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"type": "deny", "patterns": [{"regex": "(a"}]}, "RE2"),
        ({"type": "deny", "patterns": [{"regex": "(?<=a)b"}]}, "RE2"),
        ({"type": "deny", "patterns": [{"regex": "((a{1,10}){1,10}){1,10}b"}]}, "too large"),
        ({"type": "deny", "patterns": [{"regex": "a*"}]}, "empty text"),
        ({"type": "deny", "patterns": ["..."]}, "letter"),
        ({"type": "pii", "entities": ["shoe size"]}, "email"),
        ({"type": "pii", "mask": True}, "Extra inputs"),
        ({"type": "moderation", "threshold": 7}, "less than or equal to 1"),
        ({"type": "bedrock"}, "required"),
        ({"type": "magic"}, "magic"),
    ],
)
def test_guardrails_that_cannot_work_are_refused_with_the_reason(
    caller: Context, rule: dict[str, Any], said: str
) -> None:
    body = {"name": "Guarded", "guardrails": {"input": [rule]}}
    answer = call("POST", "/api/agents/create", body=body, caller=caller)
    assert answer.status == 422
    (first, *_) = answer.json()["errors"]
    assert first["field"].startswith("guardrails.input.0")
    assert said in first["message"]


def test_a_document_with_broken_guardrails_is_kept_and_does_not_talk(caller: Context) -> None:
    broken = {"input": [{"type": "deny"}]}
    made = imported(caller, broken)
    (warning,) = [one for one in made["warnings"] if one["code"] == "guardrails_unusable"]
    assert (warning["level"], warning["path"]) == ("warning", "guardrails")
    for surface in ("prompt", "chat", "stream"):
        answer = ask(caller, made["id"], surface)
        assert answer.status == 422
        assert answer.json()["type"] == "urn:smyth:problem:guardrails_unusable"
    assert {entry.status for entry in ledger(caller)} <= {"released"}
    assert call("GET", f"/api/agents/{made['id']}/export", caller=caller).json()["guardrails"] == broken
    call("PATCH", f"/api/agents/{made['id']}", body={"guardrails": DENIES}, caller=caller)
    assert ask(caller, made["id"]).status == 200


def test_a_refusal_is_an_answer_that_says_so_and_is_billed(caller: Context) -> None:
    answer = ask(caller, talker(caller, guardrails=DENIES), message="Once in a blue moon")
    assert answer.status == 200
    told = answer.json()
    assert (told["output"], told["finish_reason"], told["guardrails"]) == ("Not that.", "content_filter", [REFUSED])
    assert told["usage"]["total_tokens"] == 0
    (entry,) = ledger(caller)
    assert (entry.status, entry.provider_cost) == ("settled", 0)


def test_an_agent_whose_guardrails_do_nothing_says_nothing_of_them(caller: Context) -> None:
    assert "guardrails" not in ask(caller, talker(caller, guardrails=DENIES)).json()


def test_a_stream_tells_what_the_guardrails_did(caller: Context) -> None:
    answer = ask(caller, talker(caller, guardrails=DENIES), "stream", message="Blue moon")
    lines = [line.removeprefix("data: ") for line in answer.content.decode().splitlines() if line.startswith("data: ")]
    events = [json.loads(line) for line in lines]
    assert [event["type"] for event in events] == ["start", "guardrail", "content", "usage", "end"]
    assert events[1] == {"type": "guardrail", **REFUSED}
    assert events[-1]["finish_reason"] == "content_filter"


def test_a_conversation_remembers_masks_and_never_the_originals(
    caller: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent_id = talker(caller, model="scripted", guardrails=MASKS)
    models = script_models(monkeypatch, Reply("Noted [EMAIL_1]"), Reply("As I said"))
    first = ask(caller, agent_id, "chat", message="I am ada@example.com").json()
    assert first["output"] == "Noted ada@example.com"
    named = first["conversation_id"]
    ask(caller, agent_id, "chat", message="Who am I?", conversation_id=named)
    assert "ada@" not in json.dumps([request.messages for request in models.requests])
    history = call("GET", f"/api/agents/{agent_id}/chat?conversation_id={named}", caller=caller)
    assert "ada@" not in history.content.decode()
    assert history.json()["messages"][0]["content"] == "I am [EMAIL_1]"


def test_openai_clients_are_guarded_and_told(caller: Context) -> None:
    agent_id = talker(caller, guardrails=DENIES)
    messages = [{"role": "user", "content": "blue moon"}, {"role": "assistant", "content": "ok"}]
    body = {"model": agent_id, "messages": [*messages, {"role": "user", "content": "Go on"}]}
    answer = call("POST", "/v1/chat/completions", body=body, caller=caller).json()
    (choice,) = answer["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Not that.", "content_filter")
    assert answer["guardrails"] == [REFUSED]
