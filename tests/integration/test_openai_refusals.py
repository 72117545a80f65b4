"""What OpenAI's API refuses and how it tells of failures, in the shape that clients know."""

from __future__ import annotations

import json
from typing import Any

import pytest

from smyth.connectors.models.port import ModelError
from smyth.http.services import services
from smyth.platform.tenants import NewTenant
from tests.integration.events import OPERATOR, Context, call, caller_context
from tests.integration.openai_requests import BOOK, CHAT, chat, error
from tests.integration.talkers import script_models, statuses, talker
from tests.peers.scripted_models import Reply

JSON = {"Content-Type": "application/json"}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "several answers": ({"n": 2}, "n"),
    "log probabilities": ({"logprobs": True}, "logprobs"),
    "biased tokens": ({"logit_bias": {"50256": -100}}, "logit_bias"),
    "sound": ({"modalities": ["text", "audio"]}, "modalities"),
    "functions of old": ({"functions": [{"name": "f"}]}, "functions"),
    "no messages": ({"messages": []}, "messages"),
    "nothing to answer": ({"messages": [{"role": "assistant", "content": "Hi"}]}, "messages"),
    "instructions alone": ({"messages": [{"role": "system", "content": "Hi"}]}, "messages"),
    "an unknown role": ({"messages": [{"role": "robot", "content": "Hi"}]}, "messages[0].role"),
    "a control character": ({"messages": [{"role": "user", "content": "a\u0000b"}]}, "messages[0].content"),
    "half a character": ({"messages": [{"role": "user", "content": "a\ud800b"}]}, "messages[0].content"),
    "a recording": (
        {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
        "messages[0].content[0]",
    ),
    "a file of OpenAI's": (
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f-1"}}]}]},
        "messages[0].content[0]",
    ),
    "a part that is none": ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0]"),
    "a picture in instructions": (
        {"messages": [{"role": "system", "content": [{"type": "image_url", "image_url": {"url": "data:x"}}]}]},
        "messages[0].content",
    ),
    "a result without its call": ({"messages": [{"role": "tool", "tool_call_id": "x", "content": "y"}]}, "messages"),
    "a result without an id": ({"messages": [{"role": "tool", "content": "y"}]}, "messages[0].tool_call_id"),
    "a call without its result": (
        {
            "messages": [
                {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]},
                {"role": "user", "content": "and?"},
            ]
        },
        "messages",
    ),
    "a tool without a name": ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0]"),
    "a tool of another kind": ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0].type"),
    "a choice without tools": ({"tool_choice": "required"}, "tool_choice"),
    "a choice of a stranger": (
        {"tools": [BOOK], "tool_choice": {"type": "function", "function": {"name": "greet"}}},
        "tool_choice",
    ),
    "an unknown choice": ({"tool_choice": "sometimes"}, "tool_choice"),
    "a schema that is missing": ({"response_format": {"type": "json_schema"}}, "response_format"),
    "an unknown format": ({"response_format": {"type": "grammar"}}, "response_format"),
    "heat": ({"temperature": 3}, "temperature"),
    "many stops": ({"stop": ["a", "b", "c", "d", "e"]}, "stop.list[constrained-str]"),
}


class TestRefusals:
    @pytest.mark.parametrize("case", REFUSED)
    @pytest.mark.parametrize("stream", [False, True])
    def test_what_cannot_be_done_is_refused_before_it_is_billed(self, caller: Context, case: str, stream: bool) -> None:
        talker(caller)
        members, param = REFUSED[case]
        body = {"model": "talker", "messages": [{"role": "user", "content": "hello"}], "stream": stream, **members}
        said = error(call("POST", CHAT, caller=caller, body=json.dumps(body), headers=JSON), 400)
        assert said["type"] == "invalid_request_error"
        assert said["message"]
        assert case == "many stops" or said["param"] == param
        assert statuses(caller) == []

    @pytest.mark.parametrize("stream", [False, True])
    def test_what_does_not_fit_the_agent_is_refused_and_not_billed(self, caller: Context, stream: bool) -> None:
        talker(caller)
        taken = {"type": "function", "function": {"name": "greet"}}
        assert error(chat(caller, "talker", tools=[taken], stream=stream), 400)["code"] == "tool_name_taken"
        assert error(chat(caller, "talker", " ", stream=stream), 400)["code"] == "empty_message"
        unknown = call("PATCH", f"/api/agents/{talker(caller)}", caller=caller, body={"model": "no-such"}).json()
        assert error(chat(caller, unknown["slug"], stream=stream), 400)["code"] == "unknown_model"
        assert set(statuses(caller)) == {"released"}

    def test_bodies_that_are_no_requests(self, caller: Context) -> None:
        for body in ("", "{", "[]", "null", '{"model": 5, "messages": "x"}', "[" * 100_000):
            error(call("POST", CHAT, caller=caller, body=body, headers=JSON), 400)

    def test_callers_who_may_not(self, caller: Context) -> None:
        talker(caller)
        assert error(call("POST", CHAT, body={}), 401)["code"] == "invalid_api_key"
        assert error(chat(OPERATOR, "talker"), 403)["type"] == "permission_error"
        assert error(chat(caller | {"role": "viewer"}, "talker"), 403)["type"] == "permission_error"
        assert error(chat(caller | {"status": "suspended"}, "talker"), 403)["type"] == "permission_error"
        assert error(chat(caller_context(), "talker"), 404)["code"] == "model_not_found"

    @pytest.mark.parametrize("plan", ["basic", "prepaid"])
    @pytest.mark.parametrize("stream", [False, True])
    def test_a_plan_that_is_used_up(self, plan: str, stream: bool) -> None:
        made = NewTenant.model_validate({"name": "t", "plan": plan, "limits": {"requests_per_month": 1}})
        tenant = services().tenants.create(made)
        caller = caller_context(tenant.id, plan=plan, limits=tenant.limits)
        talker(caller)
        assert chat(caller, "talker", stream=stream).headers["x-usage-requests-remaining"] == "0"
        refusal = chat(caller, "talker", stream=stream)
        assert error(refusal, 429)["code"] == "insufficient_quota"
        assert refusal.headers["x-should-retry"] == "false"
        assert ("retry-after" in refusal.headers) == (plan == "basic")

    def test_a_failure_of_our_own_is_told_without_its_words(
        self, caller: Context, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        talker(caller, model="scripted")
        script_models(monkeypatch)  # An empty script raises IndexError.
        said = error(chat(caller, "talker"), 500)
        assert (said["type"], said["code"]) == ("server_error", "internal")
        assert statuses(caller) == ["released"]

    @pytest.mark.parametrize(
        ("kind", "status"), [("rate_limited", 503), ("timeout", 504), ("provider", 502), ("credentials", 400)]
    )
    def test_a_model_that_fails(self, caller: Context, monkeypatch: pytest.MonkeyPatch, kind: Any, status: int) -> None:
        talker(caller, model="scripted")
        script_models(monkeypatch, Reply(error=ModelError("It is out of order.", kind=kind)))
        assert error(chat(caller, "talker"), status)["message"] == "It is out of order."
