"""Who reaches an agent: other tenants, roles, and keys that are limited."""

from __future__ import annotations

import json

import pytest

from tests.integration.events import Context, call, caller_context, new_tenant_id
from tests.integration.hash_agents import (
    HASH_AGENT,
    import_agent,
    problem,
)


class TestOtherTenants:
    @pytest.mark.parametrize(
        ("method", "end"),
        [
            ("GET", ""),
            ("PATCH", ""),
            ("DELETE", ""),
            ("GET", "/export"),
            ("GET", "/versions"),
            ("POST", "/run/hash"),
            ("POST", "/publish"),
        ],
    )
    def test_a_foreign_agent_is_as_unknown_as_none(self, method: str, end: str, caller: Context) -> None:
        agent = import_agent(caller)
        stranger = caller_context(new_tenant_id())
        body = {} if method in ("PATCH", "POST") else None
        foreign = problem(call(method, f"/api/agents/{agent['id']}{end}", caller=stranger, body=body), 404)
        missing = problem(call(method, f"/api/agents/agt-{'0' * 26}{end}", caller=stranger, body=body), 404)
        assert foreign["detail"].replace(agent["id"], "") == missing["detail"].replace(f"agt-{'0' * 26}", "")

    @pytest.mark.parametrize("trick", ["..", "%2e%2e", "agt-..%2f..", "agt-%00", "AGENTS", "agt-" + "a" * 300])
    def test_ids_that_try_tricks_are_unknown(self, trick: str, caller: Context) -> None:
        problem(call("GET", f"/api/agents/{trick}", caller=caller, function="get_agent"), 404)


class TestRoles:
    def test_a_viewer_reads_and_nothing_else(self, caller: Context) -> None:
        agent = import_agent(caller)
        viewer = caller | {"role": "viewer"}
        assert call("GET", f"/api/agents/{agent['id']}", caller=viewer).status == 200
        problem(call("POST", "/api/agents/import", caller=viewer, body=HASH_AGENT), 403)
        problem(call("POST", f"/api/agents/{agent['id']}/run/hash", caller=viewer, body={}), 403)

    def test_a_key_limited_to_an_agent_reaches_that_one_only(self, caller: Context) -> None:
        mine, other = import_agent(caller)["id"], import_agent(caller)["id"]
        limited = caller | {"agents": json.dumps([mine])}
        assert [agent["id"] for agent in call("GET", "/api/agents", caller=limited).json()["items"]] == [mine]
        assert call("GET", f"/api/agents/{mine}", caller=limited).status == 200
        problem(call("GET", f"/api/agents/{other}", caller=limited), 403)
        problem(call("POST", "/api/agents/create", caller=limited, body={"name": "x"}), 403)

    def test_a_key_limited_to_routes_reaches_those_only(self, caller: Context) -> None:
        agent = import_agent(caller)["id"]
        limited = caller | {"routes": json.dumps(["GET /api/agents/{agent_id}"])}
        assert call("GET", f"/api/agents/{agent}", caller=limited).status == 200
        problem(call("GET", "/api/agents", caller=limited), 403)

    def test_a_request_past_the_authorizer_is_unauthorized(self) -> None:
        problem(call("GET", "/api/agents"), 401)
