"""Skills of agents as tools of MCP: how they are listed, called and billed."""

from __future__ import annotations

from typing import Any

import pytest

from smyth.engine import Limits
from smyth.http.services import services
from tests.integration.events import Context, call, caller_context
from tests.integration.mcp_agents import agent_of, ask, speaking, use
from tests.integration.talkers import ledger, statuses
from tests.unit.conversation.agents import answering


class TestTools:
    def test_tools_are_the_exposed_skills(self, caller: Context) -> None:
        agent_id = agent_of(
            caller,
            answering("greet", {"name": "who", "description": "Whom."}, description="Greets.", endpointLabel="Greet!"),
            answering("add", {"name": "n", "type": "Number", "optional": True, "defaultVal": "3"}, method="GET"),
            answering("hidden", {"name": "x"}, ai_exposed=False),
        )
        greet, add = ask(caller, agent_id, "tools/list")["result"]["tools"]
        assert greet == {
            "name": "greet",
            "title": "Greet!",
            "description": "Greets.",
            "inputSchema": {
                "type": "object",
                "properties": {"who": {"type": "string", "description": "Whom."}},
                "required": ["who"],
            },
        }
        assert add["annotations"] == {"readOnlyHint": True}
        assert add["inputSchema"]["properties"]["n"] == {"type": "number", "default": 3}

    def test_the_published_version_is_what_callers_get(self, caller: Context) -> None:
        agent_id = agent_of(caller)
        call("POST", f"/api/agents/{agent_id}/publish", body={}, caller=caller)
        call("PATCH", f"/api/agents/{agent_id}", body={"components": [], "connections": []}, caller=caller)
        assert len(ask(caller, agent_id, "tools/list")["result"]["tools"]) == 2

    def test_a_call_answers_as_the_run_endpoint(self, caller: Context) -> None:
        agent_id = agent_of(caller)
        ran = call("POST", f"/api/agents/{agent_id}/run/greet", body={"who": "Ada \u2603"}, caller=caller)
        result = use(caller, agent_id, "greet", {"who": "Ada \u2603"})["result"]
        assert result["content"] == [{"type": "text", "text": ran.content.decode()}]
        assert result["structuredContent"] == ran.json()
        assert result["isError"] is False
        sums = use(caller, agent_id, "add", {"a": 1, "b": 2.5})["result"]["structuredContent"]
        assert sums == call("GET", f"/api/agents/{agent_id}/run/add?a=1&b=2.5", caller=caller).json()

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [({}, "'who' is a required property"), ({"who": 7}, "who: 7 is not of type 'string'"), ({"who": None}, "None")],
    )
    def test_arguments_that_do_not_fit_are_told_to_the_model_and_cost_nothing(
        self, caller: Context, arguments: dict[str, Any], told: str
    ) -> None:
        result = use(caller, agent_of(caller), "greet", arguments)["result"]
        assert result["isError"] is True
        assert told in result["content"][0]["text"]
        assert ledger(caller) == []

    @pytest.mark.parametrize("name", ["nope", "hidden", ""])
    def test_an_unknown_tool_is_an_error_of_the_protocol(self, caller: Context, name: str) -> None:
        agent_id = agent_of(caller, answering("greet"), answering("hidden", ai_exposed=False))
        error = use(caller, agent_id, name, {})["error"]
        assert error["code"] == -32602
        assert "Unknown tool" in error["message"]
        assert ledger(caller) == []

    def test_what_a_model_writes_is_no_template(self, caller: Context) -> None:
        agent_id = agent_of(caller, answering("greet", {"name": "who"}), variables={"plan": "secret"})
        result = use(caller, agent_id, "greet", {"who": "{{plan}}"})["result"]
        assert result["structuredContent"] == {"who": "{{plan}}"}

    def test_a_skill_that_fails_is_an_error_for_the_model(self, caller: Context) -> None:
        result = use(caller, agent_of(caller, speaking("say", model="no-such")), "say", {"text": "x"})["result"]
        assert result["isError"] is True
        assert "no-such" in result["content"][0]["text"]

    def test_a_run_that_is_ended_is_an_error_for_the_model(
        self, caller: Context, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(vars(services()), "limits", lambda plan: Limits(components=1))
        result = use(caller, agent_of(caller), "greet", {"who": "x"})["result"]
        assert result["isError"] is True
        assert "after 1 component runs" in result["content"][0]["text"]
        assert statuses(caller) == ["released"]

    def test_a_session_is_named_by_a_header(self, caller: Context) -> None:
        error = use(caller, agent_of(caller), "greet", {"who": "x"}, headers={"x-caller-session-id": "a b"})["error"]
        assert "x-caller-session-id" in error["message"]


class TestBilling:
    def test_only_calls_of_tools_are_billed(self, caller: Context) -> None:
        agent_id = agent_of(caller)
        for method in ("ping", "tools/list", "resources/list", "resources/templates/list", "prompts/list"):
            assert "result" in ask(caller, agent_id, method)
        ask(caller, agent_id, "prompts/get", {"name": "talker"})
        assert ledger(caller) == []
        meta = use(caller, agent_id, "greet", {"who": "x"})["result"]["_meta"]
        (entry,) = ledger(caller)
        assert (entry.route, entry.status, entry.agent_id) == ("POST /api/agents/{agent_id}/mcp", "settled", agent_id)
        assert meta == {
            "smyth/request-id": entry.request_id,
            "smyth/cost": "0.000000",
            "smyth/requests-remaining": "unlimited",
        }

    def test_over_the_limit_nothing_is_run(self) -> None:
        caller = caller_context(plan="basic", limits={"requests_per_month": 1})
        agent_id = agent_of(caller)
        first = use(caller, agent_id, "greet", {"who": "x"})
        assert first["result"]["_meta"]["smyth/requests-remaining"] == "0"
        error = use(caller, agent_id, "greet", {"who": "x"})["error"]
        assert error["code"] == 429
        assert error["data"]["type"] == "urn:smyth:problem:quota_exceeded"
        assert error["data"]["status"] == 429
        assert error["data"]["retry_after"] > 0
        assert "plan" in error["message"]
        assert len(ledger(caller)) == 1
        assert "result" in ask(caller, agent_id, "tools/list")

    def test_a_call_repeated_under_one_key_is_run_once(self, caller: Context) -> None:
        agent_id = agent_of(caller)
        headers = {"Idempotency-Key": "same"}
        first, second = (use(caller, agent_id, "greet", {"who": "x"}, headers=headers) for _ in range(2))
        assert second["result"]["structuredContent"] == first["result"]["structuredContent"]
        assert statuses(caller) == ["settled"]
        other = use(caller, agent_id, "greet", {"who": "y"}, headers=headers)["error"]
        assert other["data"]["status"] == 422


class TestPrompts:
    def test_one_prompt_makes_a_model_what_the_agent_is(self, caller: Context) -> None:
        agent_id = agent_of(caller)
        (prompt,) = ask(caller, agent_id, "prompts/list")["result"]["prompts"]
        assert (prompt["name"], prompt["title"], prompt["description"]) == ("talker", "Talker", "Talks.")
        given = {"name": "talker", "arguments": {"message": "Hello"}}
        messages = ask(caller, agent_id, "prompts/get", given)["result"]["messages"]
        assert [message["content"]["text"] for message in messages] == [
            "Assistant Name : Talker\n\nBe kind.",
            "Hello",
        ]
        assert len(ask(caller, agent_id, "prompts/get", {"name": "talker"})["result"]["messages"]) == 1

    def test_there_is_no_other(self, caller: Context) -> None:
        assert ask(caller, agent_of(caller), "prompts/get", {"name": "x"})["error"]["code"] == -32602
