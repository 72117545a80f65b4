"""One prompt through its function: answered, billed, refused."""

from __future__ import annotations

from typing import Any

import pytest

from smyth.connectors.models.catalog import Catalog
from smyth.connectors.models.gateway import ModelGateway
from smyth.connectors.models.port import ModelError, ToolCall
from smyth.connectors.vault.memory import MemoryVault
from smyth.http.services import services
from smyth.testing import Call as PeerCall
from smyth.testing import ModelServer, Say
from tests.integration.events import Answer, Context, call, caller_context
from tests.integration.talkers import NOBODY, ledger, script_models, statuses, talker
from tests.peers.scripted_models import Reply


def prompt(caller: Context, agent_id: str, body: Any, **options: Any) -> Answer:
    return call("POST", f"/api/agents/{agent_id}/prompt", body=body, caller=caller, **options)


def test_echo_answers_the_message(caller: Context) -> None:
    answer = prompt(caller, talker(caller), {"message": 'Héllo "you" 日本\n{{x}}'})
    assert answer.status == 200
    body = answer.json()
    assert body["output"] == 'Héllo "you" 日本\n{{x}}'
    assert body["tool_calls"] == []
    assert body["model"] == "Echo"
    assert body["usage"]["total_tokens"] == body["usage"]["input_tokens"] + body["usage"]["output_tokens"] > 0
    assert body["cost"] == answer.headers["x-usage-cost"] == "0.000000"
    assert body["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["x-usage-requests-remaining"] == "unlimited"


def test_a_prompt_is_forgotten(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = talker(caller, model="scripted")
    models = script_models(monkeypatch, Reply("one"), Reply("two"))
    prompt(caller, agent_id, {"message": "first"})
    prompt(caller, agent_id, {"message": "second"})
    assert [message["content"] for message in models.requests[1].messages] == [
        "Assistant Name : Talker\n\nBe kind.",
        "second",
    ]


def test_skills_are_called_and_what_all_of_it_cost_is_billed(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = talker(caller, model="scripted")
    script_models(monkeypatch, Reply(calls=(ToolCall("c1", "greet", '{"who":"Ada"}'),)), Reply("Hello Ada"))
    answer = prompt(caller, agent_id, {"message": "Greet Ada"})
    assert answer.json()["output"] == "Hello Ada"
    assert answer.json()["tool_calls"] == [
        {"id": "c1", "name": "greet", "arguments": {"who": "Ada"}, "result": {"who": "Ada"}}
    ]
    assert answer.json()["cost"] == "0.000060"
    (entry,) = ledger(caller)
    assert (entry.status, entry.agent_id, entry.model) == ("settled", agent_id, "scripted")
    assert (entry.input_tokens, entry.output_tokens, entry.cached_tokens, entry.provider_cost) == (20, 10, 4, 60)


@pytest.mark.xdist_group("litellm")
def test_a_model_object_reaches_a_server_of_ones_own(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = talker(caller)
    monkeypatch.setitem(vars(services()), "models", ModelGateway(Catalog(), MemoryVault(), allow_private=True))
    with ModelServer(Say(calls=(PeerCall("greet", '{"who":"Ada"}'),)), Say("Done")) as server:
        model = {"provider": "OpenAI", "model": "gpt-4o-mini", "base_url": server.base_url, "api_key": "k"}
        answer = prompt(caller, agent_id, {"message": "Greet", "model": model})
    assert answer.json()["output"] == "Done"
    assert answer.json()["model"] == "gpt-4o-mini"
    assert server.requests[1]["messages"][-1]["content"] == '{"who":"Ada"}'
    # Two requests of 10 and 5 tokens at $0.15 and $0.60 a million; each is rounded to whole micro-dollars.
    assert answer.json()["cost"] == "0.000010"


def test_variables_and_session_are_taken(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = prompt(caller, talker(caller), {"message": "x", "variables": {"a": 1}, "session": "s-1", "files": []})
    assert answer.status == 200


def test_a_repeated_prompt_is_answered_once(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = talker(caller, model="scripted")
    models = script_models(monkeypatch, Reply("only once"))
    first, second = (prompt(caller, agent_id, {"message": "x"}, headers={"Idempotency-Key": "same"}) for _ in range(2))
    assert second.json() == first.json()
    assert len(models.requests) == 1
    assert statuses(caller) == ["settled"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message": ""},
        {"message": " \n\t "},
        {"message": None},
        {"message": 5},
        {"message": ["x"]},
        {"message": "nul \x00 byte"},
        {"message": "bell \x07"},
        {"message": "\x7f"},
        {"message": "x" * 400_001},
        {"message": "x", "model": ""},
        {"message": "x", "model": 7},
        {"message": "x", "model": "m" * 201},
        {"message": "x", "session": "../x"},
        {"message": "x", "variables": []},
        {"message": "x", "variables": {"a": "bell \x07"}},
        {"message": "x", "variables": {"a": [{"b": "\x1b[2J"}]}},
        {"message": "x", "variables": {"bell \x07": 1}},
        {"message": "x", "variables": {"": 1}},
        {"message": "x", "variables": {"n" * 201: 1}},
        {"message": "x", "variables": {str(number): number for number in range(101)}},
        {"message": "x", "variables": {"a": "x" * 200_001}},
        {"message": "x", "variables": {"a": ["x" * 1_000] * 201}},
        {"message": "x", "model": "gpt\x00"},
        {"message": "x", "model": {"provider": "OpenAI", "model": "bell\x07"}},
        {"message": "x", "model": {"provider": "OpenAI", "model": "m", "api_key": "k" * 20_001}},
        {"message": "x", "instructions": "bell \x07"},
        {"message": "x", "instructions": "x" * 40_001},
        {"message": "x", "instructions": ["x"]},
        {"message": "x", "temperature": -0.1},
        {"message": "x", "temperature": 2.1},
        {"message": "x", "top_p": 1.1},
        {"message": "x", "max_tokens": 0},
        {"message": "x", "max_tokens": 1.5},
        {"message": "x", "stop": ["a", "b", "c", "d", "e"]},
        {"message": "x", "stop": ""},
        {"message": "x", "stop": ["x" * 201]},
        {"message": "x", "seed": "x"},
        {"message": "x", "seed": 2**63},
        {"message": "x", "response_format": "xml"},
        {"message": "x", "response_format": {"type": "json_schema"}},
        {"message": "x", "response_format": {"type": "json_schema", "json_schema": {"name": "a b", "schema": {}}}},
        {"message": "x", "reasoning_effort": "very"},
        {"message": "x", "max_tool_calls": -1},
        {"message": "x", "max_tool_calls": 1_001},
        {"message": "x", "files": ["key"]},
        {"message": "x", "files": ["file:///etc/passwd"]},
        {"message": "x", "files": ["fil-../../etc"]},
        {"message": "x", "files": ["ftp://example.com/a"]},
        {"message": "x", "files": ["https://example.com/\x00"]},
        {"message": "x", "files": [{}]},
        {"message": "x", "files": [{"url": "https://example.com/a.png", "data": "eA=="}]},
        {"message": "x", "files": [{"data": "eA==", "content_type": "png"}]},
        {"message": "x", "files": [{"data": "eA==", "name": "bell\x07.txt"}]},
        {"message": "x", "files": [{"data": "eA==", "path": "/etc/passwd"}]},
        {"message": "x", "files": ["data:text/plain,x"] * 11},
        {"message": "x", "files": "data:text/plain,x"},
        {"message": "x", "tenant_id": "ten-other"},
        [],
        "text",
        None,
    ],
)
def test_a_body_that_makes_no_sense_is_refused_and_not_billed(caller: Context, body: Any) -> None:
    answer = prompt(caller, NOBODY, body)
    assert answer.status in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]
    assert ledger(caller) == []


def test_half_a_character_is_refused(caller: Context) -> None:
    answer = prompt(caller, NOBODY, '{"message": "\\ud800"}', headers={"Content-Type": "application/json"})
    assert answer.status in (400, 422)


def test_a_body_that_is_not_json_is_refused(caller: Context) -> None:
    answer = prompt(caller, NOBODY, "{message: x", headers={"Content-Type": "application/json"})
    assert answer.status == 400
    assert answer.json()["type"] == "urn:smyth:problem:not_json"


@pytest.mark.parametrize("agent_id", [NOBODY, "no-such", "..", "%2e%2e", "agt-"])
def test_an_unknown_agent_is_not_found_and_not_billed(caller: Context, agent_id: str) -> None:
    assert prompt(caller, agent_id, {"message": "x"}).status == 404
    assert set(statuses(caller)) <= {"released"}


def test_a_foreign_tenants_agent_is_not_found(caller: Context) -> None:
    assert prompt(caller_context(), talker(caller), {"message": "x"}).status == 404


def test_without_a_caller_nothing_is_answered(caller: Context) -> None:
    answer = call("POST", f"/api/agents/{NOBODY}/prompt", body={"message": "x"})
    assert answer.status == 401


@pytest.mark.parametrize(
    ("model", "status", "code"),
    [
        ("echo", 422, "unknown_model"),
        ("no-such-model", 422, "unknown_model"),
        ({"provider": "Acme", "model": "m"}, 422, "unknown_model"),
        ({"provider": "OpenAI"}, 422, "model_refused"),
        ({"provider": "OpenAI", "model": "m", "base_url": "http://127.0.0.1/"}, 422, "model_refused"),
        ({"provider": "OpenAI", "model": "m", "base_url": "https://169.254.169.254/"}, 422, "model_refused"),
        ({"provider": "OpenAI", "model": "m", "credential": "nope"}, 424, "model_credentials"),
    ],
)
def test_a_model_that_cannot_be_asked_is_told_and_not_billed(
    caller: Context, monkeypatch: pytest.MonkeyPatch, model: Any, status: int, code: str
) -> None:
    monkeypatch.setitem(vars(services()), "models", ModelGateway(Catalog(), MemoryVault(), environment={}))
    answer = prompt(caller, talker(caller), {"message": "x", "model": model})
    assert (answer.status, answer.json()["type"]) == (status, f"urn:smyth:problem:{code}")
    assert statuses(caller) == ["released"]


@pytest.mark.parametrize(
    ("kind", "status", "billed"),
    [
        ("credentials", 424, "released"),
        ("invalid_request", 422, "released"),
        ("rate_limited", 503, "settled"),
        ("timeout", 504, "settled"),
        ("provider", 502, "settled"),
    ],
)
def test_a_provider_that_fails_is_told_and_billed_once_it_was_asked(
    caller: Context, monkeypatch: pytest.MonkeyPatch, kind: Any, status: int, billed: str
) -> None:
    agent_id = talker(caller, model="scripted")
    script_models(monkeypatch, Reply(error=ModelError("It said no. Try again.", kind=kind)))
    answer = prompt(caller, agent_id, {"message": "x"})
    assert answer.status == status
    assert answer.json()["detail"] == "It said no. Try again."
    (entry,) = ledger(caller)
    assert (entry.status, entry.provider_cost) == (billed, 0)


def test_a_message_larger_than_the_models_window_is_told(caller: Context) -> None:
    answer = prompt(caller, talker(caller, model="gpt-4"), {"message": "word " * 20_000})
    assert (answer.status, answer.json()["type"]) == (422, "urn:smyth:problem:message_too_long")
    assert statuses(caller) == ["released"]


def test_a_model_that_calls_skills_for_ever_is_stopped_and_paid(
    caller: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent_id = talker(caller, model="scripted")
    script_models(monkeypatch, *[Reply(calls=(ToolCall("c", "greet", "{}"),))] * 40)
    answer = prompt(caller, agent_id, {"message": "x"})
    assert (answer.status, answer.json()["type"]) == (422, "urn:smyth:problem:too_many_tool_rounds")
    (entry,) = ledger(caller)
    assert (entry.status, entry.provider_cost) == ("settled", 26 * 30)
