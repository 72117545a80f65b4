"""Agents as MCP servers: what each message of the protocol is answered, and who gets in."""

from __future__ import annotations

import pytest

from tests.integration.events import Context, call, caller_context
from tests.integration.mcp_agents import ACCEPT, agent_of, ask, send
from tests.integration.talkers import NOBODY, ledger, statuses

VERSIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]


class TestProtocol:
    @pytest.mark.parametrize("version", [*VERSIONS, "1999-01-01"])
    def test_the_version_is_agreed_on(self, caller: Context, version: str) -> None:
        agent_id = agent_of(caller)
        hello = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
        message = {"jsonrpc": "2.0", "id": "a", "method": "initialize", "params": hello}
        answer = call("POST", f"/api/agents/{agent_id}/mcp", body=message, headers=ACCEPT, caller=caller)
        assert "mcp-session-id" not in answer.headers
        result = answer.json()["result"]
        assert result["protocolVersion"] == (version if version in VERSIONS else "2025-11-25")
        assert result["serverInfo"] == {"name": "Talker", "title": "Talker", "version": "1"}
        assert set(result["capabilities"]) == {"tools", "resources", "prompts"}
        assert result["instructions"] == "Talks."
        assert answer.json()["id"] == "a"

    def test_a_ping_needs_no_handshake(self, caller: Context) -> None:
        assert ask(caller, agent_of(caller), "ping")["result"] == {}

    @pytest.mark.parametrize("method", ["notifications/initialized", "notifications/cancelled"])
    def test_notifications_are_taken(self, caller: Context, method: str) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": {"requestId": 1}}
        answer = send(caller, agent_of(caller), message)
        assert (answer.status, answer.content) == (202, b"")

    @pytest.mark.parametrize("method", ["GET", "DELETE"])
    def test_there_are_no_sessions_to_listen_to_or_to_end(self, caller: Context, method: str) -> None:
        answer = call(method, f"/api/agents/{agent_of(caller)}/mcp", caller=caller)
        assert (answer.status, answer.headers["allow"]) == (405, "POST")

    def test_a_batch_is_answered_where_the_version_has_them(self, caller: Context) -> None:
        agent_id = agent_of(caller)
        batch = [
            {"jsonrpc": "2.0", "id": 1, "method": "ping"},
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "greet", "arguments": {"who": "A"}}},
            {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "greet", "arguments": {"who": "B"}}},
        ]
        answers = send(caller, agent_id, batch, version="2025-03-26").json()
        assert [answer["id"] for answer in answers] == [1, 2, 3]
        assert [answer["result"]["structuredContent"] for answer in answers[1:]] == [{"who": "A"}, {"who": "B"}]
        assert statuses(caller) == ["settled", "settled"]
        assert send(caller, agent_id, batch[1:2], version="2025-03-26").status == 202
        for refused in (batch[:0], batch * 6):
            assert send(caller, agent_id, refused, version="2025-03-26").status == 400
        keyed = send(caller, agent_id, batch, version="2025-03-26", headers={"Idempotency-Key": "k"})
        assert keyed.status == 400
        assert send(caller, agent_id, batch, version="2025-06-18").status == 400
        assert len(ledger(caller)) == 2

    @pytest.mark.parametrize(
        "body", ["", "{", "[" * 3000, '"text"', "7", "null", "[7]", "{}", '{"jsonrpc":"1.0","id":1,"method":"ping"}']
    )
    def test_what_is_no_message_is_refused(self, caller: Context, body: str) -> None:
        headers = ACCEPT | {"Content-Type": "application/json", "MCP-Protocol-Version": "2025-06-18"}
        answer = call("POST", f"/api/agents/{agent_of(caller)}/mcp", body=body, headers=headers, caller=caller)
        assert answer.status == 400
        assert answer.json()["error"]["code"] in (-32700, -32600, -32602)

    def test_an_unknown_method_is_an_error(self, caller: Context) -> None:
        assert ask(caller, agent_of(caller), "tools/eat")["error"]["code"] == -32601

    @pytest.mark.parametrize(
        ("headers", "status"),
        [({"Accept": "text/html"}, 406), ({"Content-Type": "text/plain"}, 400)],
    )
    def test_headers_must_be_those_of_the_protocol(self, caller: Context, headers: dict[str, str], status: int) -> None:
        message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        assert send(caller, agent_of(caller), message, headers=headers).status == status


class TestWhoGetsIn:
    PATH = "POST /api/agents/{agent_id}/mcp"

    def test_nobody_without_a_key(self, caller: Context) -> None:
        message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        assert call("POST", f"/api/agents/{agent_of(caller)}/mcp", body=message, headers=ACCEPT).status == 401

    def test_keys_are_held_to_their_agents_and_routes(self, caller: Context) -> None:
        agent_id = agent_of(caller)
        tenant = caller["tenant_id"]
        message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        for limits, status in [
            ({"agents": [agent_id]}, 200),
            ({"agents": [NOBODY]}, 403),
            ({"routes": [self.PATH]}, 200),
            ({"routes": ["POST /api/agents/{agent_id}/prompt"]}, 403),
            ({"role": "viewer"}, 403),
        ]:
            assert send(caller_context(tenant, **limits), agent_id, message).status == status, limits  # type: ignore[arg-type]

    def test_an_agent_of_somebody_else_is_not_there(self, caller: Context) -> None:
        message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        assert send(caller_context(), agent_of(caller), message).status == 404

    @pytest.mark.parametrize(
        ("origin", "status"),
        [
            ("https://api.example.com", 200),
            ("https://evil.example", 403),
            ("http://api.example.com", 403),
            ("null", 403),
            ("", 403),
        ],
    )
    def test_web_pages_of_others_are_refused(self, caller: Context, origin: str, status: int) -> None:
        message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        assert send(caller, agent_of(caller), message, headers={"Origin": origin}).status == status
