"""Runs of an agent's endpoints: what they answer, refuse, log and keep to themselves."""

from __future__ import annotations

import json

import pytest

from smyth.http.app import logger
from smyth.http.services import services
from smyth.http.settings import settings
from tests.integration.events import Context, call, caller_context
from tests.integration.hash_agents import (
    import_agent,
    nested,
    problem,
    run_hash,
    variant,
)


def forget_settings() -> None:
    settings.cache_clear()
    services.cache_clear()


class TestRun:
    def test_an_endpoint_answers_what_the_original_does(self, caller: Context) -> None:
        path = f"/api/agents/{import_agent(caller)['id']}"
        answer = call("POST", f"{path}/run/hash", caller=caller, body={"data": "Hello World"})
        assert answer.json()["result"] == {"Hash": "b10a8db164e0754105b7a99be72e3fe5"}
        assert answer.headers["x-usage-cost"] == "0.000000"
        assert answer.headers["x-usage-requests-remaining"] == "unlimited"

    def test_an_unknown_endpoint_is_told_with_the_known_ones(self, caller: Context) -> None:
        path = f"/api/agents/{import_agent(caller)['id']}"
        assert "POST hash" in problem(call("POST", f"{path}/run/nope", caller=caller, body={}), 404)["detail"]
        assert "POST hash" in problem(call("GET", f"{path}/run/hash", caller=caller), 404)["detail"]

    @pytest.mark.parametrize(
        ("body", "status"), [("{", 400), ("[1]", 422), ('"x"', 422), (nested(200), 422), ("[" * 99_999, 422)]
    )
    def test_bad_inputs_are_refused_and_not_billed(self, body: str, status: int) -> None:
        caller = caller_context(plan="basic")
        path = f"/api/agents/{import_agent(caller)['id']}"
        problem(call("POST", f"{path}/run/hash", caller=caller, body=body), status)
        assert call("GET", "/api/usage", caller=caller).json()["requests"]["used"] == 0

    def test_odd_text_comes_back_as_json(self, caller: Context) -> None:
        path = f"/api/agents/{import_agent(caller, variant(connections=[]))['id']}"
        answer = call("POST", f"{path}/run/hash", caller=caller, body='{"data": "\\ud800", "big": 1e999}')
        assert answer.status == 200
        assert answer.json()["result"]["body"] == {"data": "\ud800", "big": None}

    def test_each_component_is_told_in_the_log(self, caller: Context, caplog: pytest.LogCaptureFixture) -> None:
        agent = import_agent(caller)
        with caplog.at_level("INFO", logger=logger.name):
            run_hash(f"/api/agents/{agent['id']}", caller)
        told = [vars(record) for record in caplog.records if record.getMessage() == "component"]
        assert [line["component"] for line in told] == ["APIEndpoint", "FHash"]
        assert {(line["tenant_id"], line["agent_id"]) for line in told} == {(caller["tenant_id"], agent["id"])}
        assert all(line["ms"] >= 0 for line in told)

    def test_a_run_past_the_limits_of_stack_or_plan_says_which(self, monkeypatch: pytest.MonkeyPatch) -> None:
        basic, pro = caller_context(plan="basic"), caller_context(plan="pro")
        paths = {caller["plan"]: f"/api/agents/{import_agent(caller)['id']}/run/hash" for caller in (basic, pro)}
        monkeypatch.setenv("SMYTH_LIMITS", json.dumps({"output_bytes": 1_000}))
        monkeypatch.setenv("SMYTH_PLANS", json.dumps({"basic": {"run_limits": {"components": 1}}}))
        forget_settings()
        try:
            told = problem(call("POST", paths["basic"], caller=basic, body={"data": "x"}), 422)
            assert told["type"].endswith("run_ended")
            assert 'raise the limit "components" for all or for your plan' in told["detail"]
            assert call("POST", paths["pro"], caller=pro, body={"data": "x"}).status == 200
            told = problem(call("POST", paths["pro"], caller=pro, body={"data": "x" * 2_000}), 422)
            assert 'raise the limit "output_bytes"' in told["detail"]
        finally:
            monkeypatch.undo()
            forget_settings()

    def test_the_callers_key_is_not_shown_to_the_agent(self, caller: Context) -> None:
        document = variant(connections=[])
        path = f"/api/agents/{import_agent(caller, document)['id']}"
        headers = {"Authorization": "Bearer smyth_secret", "X-Api-Key": "smyth_secret", "X-Mine": "yes"}
        answer = call("POST", f"{path}/run/hash", caller=caller, body={"data": 1}, headers=headers)
        assert "smyth_secret" not in answer.content.decode()
        assert "x-mine" in answer.content.decode().lower()
