"""Agents as MCP servers: what each message is answered, what is billed, who gets in."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from functions.agent_mcp.handler import app
from smyth.engine import Limits
from smyth.http.mcp import resources
from smyth.http.services import services
from tests.integration.events import Context, call, caller_context
from tests.integration.mcp_agents import ACCEPT, agent_of, ask, messages_of, send, speaking, use
from tests.integration.talkers import NOBODY, ledger, script_models, statuses
from tests.integration.web_apps import let_in, served
from tests.peers.scripted_models import Reply
from tests.unit.conversation.agents import answering, endpoint

VERSIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with served(app) as url:
        yield url


@asynccontextmanager
async def connected(base_url: str, caller: Context, agent_id: str, mode: str = "auto") -> AsyncIterator[Client]:
    """The official client, connected to an agent."""
    async with httpx2.AsyncClient(headers=let_in(caller), timeout=30, trust_env=False) as http:
        transport = streamable_http_client(f"{base_url}/api/agents/{agent_id}/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.02)


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
        assert statuses(caller) == ["released"]

    def test_a_session_is_named_by_a_header(self, caller: Context) -> None:
        error = use(caller, agent_of(caller), "greet", {"who": "x"}, headers={"x-caller-session-id": "a b"})["error"]
        assert "x-caller-session-id" in error["message"]


class TestProgress:
    MESSAGE = {
        "jsonrpc": "2.0",
        "id": 7,
        "method": "tools/call",
        "params": {"name": "say", "arguments": {"text": "one two"}, "_meta": {"progressToken": "t"}},
    }

    def test_what_a_skill_passes_on_is_told_while_it_runs(self, caller: Context) -> None:
        answer = send(caller, agent_of(caller, speaking("say")), self.MESSAGE)
        assert answer.headers["content-type"].startswith("text/event-stream")
        *news, result = messages_of(answer.content.decode())
        assert [one["method"] for one in news] == ["notifications/progress"] * len(news)
        assert {one["params"]["progressToken"] for one in news} == {"t"}
        assert [one["params"]["progress"] for one in news] == [*range(1, len(news) + 1)]
        assert "".join(one["params"]["message"] for one in news).strip() == "one two"
        assert result["result"]["structuredContent"] == {"said": "one two"}

    def test_who_takes_no_events_gets_the_answer_alone(self, caller: Context) -> None:
        headers = {"Accept": "application/json"}
        answer = send(caller, agent_of(caller, speaking("say")), self.MESSAGE, headers=headers)
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["result"]["structuredContent"] == {"said": "one two"}

    @pytest.mark.parametrize("accept", ["application/json", "application/json, text/event-stream"])
    def test_a_client_that_leaves_ends_the_run_and_pays_for_what_was_said(
        self, base_url: str, caller: Context, monkeypatch: pytest.MonkeyPatch, accept: str
    ) -> None:
        agent_id = agent_of(caller, speaking("say", model="scripted"))
        models = script_models(monkeypatch, Reply("half an answer", hangs=True))
        headers = let_in(caller) | {"Accept": accept, "MCP-Protocol-Version": "2025-11-25"}
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{base_url}/api/agents/{agent_id}/mcp", json=self.MESSAGE, headers=headers, timeout=3)
        assert len(models.requests) == 1
        until(lambda: statuses(caller) == ["settled"])
        (entry,) = ledger(caller)
        assert (entry.output_tokens, entry.provider_cost) == (14, 1)


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


class TestResources:
    @staticmethod
    def upload(caller: Context, name: str, content: bytes, kind: str) -> str:
        body = (
            f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'
        ).encode() + (content + b"\r\n--b--\r\n")
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        answer = call("POST", "/api/storage/upload", body=body, headers=headers, caller=caller)
        assert answer.status == 201, answer.content
        key: str = answer.json()["key"]
        return key

    @staticmethod
    def storing() -> dict[str, Any]:
        """A skill that stores a file of its own."""
        start = endpoint("store", {"name": "text"})
        store = {
            "id": "STORE",
            "name": "FileStore",
            "data": {"name": "a note", "ttl": "86400"},
            "inputs": [{"name": "Data"}],
            "outputs": [{"name": "Url", "default": True}],
        }
        wire = {"sourceId": start["id"], "sourceIndex": 3, "targetId": "STORE", "targetIndex": 0}
        return {"components": [start, store], "connections": [wire]}

    def test_uploads_and_stored_files_are_listed_and_read(self, caller: Context) -> None:
        agent_id = agent_of(caller, self.storing())
        text = self.upload(caller, "Über.csv", "a,ä".encode(), "text/csv")
        image = self.upload(caller, "x.png", b"\x89PNG\xff", "image/png")
        planned = call("POST", "/api/storage/upload", body={"name": "later", "size": 3}, caller=caller)
        assert planned.status == 201
        use(caller, agent_id, "store", {"text": "hello"})
        listed = ask(caller, agent_id, "resources/list")["result"]["resources"]
        assert [one["uri"] for one in listed[:2]] == [f"upload:///{text}", f"upload:///{image}"]
        assert listed[0] | {"uri": ""} == {"name": "Über.csv", "uri": "", "mimeType": "text/csv", "size": 4}
        (stored,) = listed[2:]
        assert stored["uri"].startswith(f"smythfs://{agent_id}.agent/components_data/")
        assert stored["uri"].endswith(".a%20note.txt")
        assert (stored["mimeType"], stored["size"]) == ("text/plain", 5)
        contents = [
            ask(caller, agent_id, "resources/read", {"uri": one["uri"]})["result"]["contents"][0] for one in listed
        ]
        assert contents[0] == {"uri": listed[0]["uri"], "mimeType": "text/csv", "text": "a,ä"}
        assert contents[1]["blob"] == base64.b64encode(b"\x89PNG\xff").decode()
        assert contents[2]["text"] == "hello"
        assert statuses(caller) == ["settled"]  # The one call of the tool.

    def test_a_file_that_a_skill_answers_with_is_read_by_its_address(self, caller: Context) -> None:
        agent_id = agent_of(caller, answering("keep", {"name": "file", "type": "Binary"}))
        answer = use(caller, agent_id, "keep", {"file": "data:text/plain;base64,aGk="})["result"]["structuredContent"]
        uri = answer["file"]["url"]
        template = ask(caller, agent_id, "resources/templates/list")["result"]["resourceTemplates"][0]["uriTemplate"]
        assert uri.startswith(template.removesuffix("{+path}"))
        assert ask(caller, agent_id, "resources/read", {"uri": uri})["result"]["contents"][0]["text"] == "hi"

    def test_long_lists_come_in_pages(self, caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(resources, "_PAGE", 2)
        agent_id = agent_of(caller, self.storing())
        for number in range(3):
            self.upload(caller, f"{number}.txt", b"x", "text/plain")
            use(caller, agent_id, "store", {"text": "x"})
        pages, cursor = [], None
        while True:
            result = ask(caller, agent_id, "resources/list", {"cursor": cursor} if cursor else {})["result"]
            pages.append([one["uri"] for one in result["resources"]])
            cursor = result.get("nextCursor")
            if cursor is None:
                break
        assert [len(page) for page in pages] == [2, 2, 2, 0]
        assert len({uri for page in pages for uri in page}) == 6
        for wrong in ("x", "%", base64.b64encode(b"elsewhere a").decode()):
            assert ask(caller, agent_id, "resources/list", {"cursor": wrong})["error"]["code"] == -32602

    def test_a_key_that_is_limited_to_agents_sees_no_uploads(self, caller: Context) -> None:
        agent_id = agent_of(caller)
        key = self.upload(caller, "a.txt", b"x", "text/plain")
        limited = caller_context(caller["tenant_id"], agents=[agent_id])
        assert ask(limited, agent_id, "resources/list")["result"]["resources"] == []
        assert "error" in ask(limited, agent_id, "resources/read", {"uri": f"upload:///{key}"})

    def test_what_is_too_large_is_told(self, caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
        agent_id = agent_of(caller, self.storing())
        self.upload(caller, "a.txt", b"hello", "text/plain")
        use(caller, agent_id, "store", {"text": "hello"})
        monkeypatch.setattr(resources, "MAX_DIRECT_BYTES", 4)
        for one in ask(caller, agent_id, "resources/list")["result"]["resources"]:
            error = ask(caller, agent_id, "resources/read", {"uri": one["uri"]})["error"]
            assert error["data"]["status"] == 413
            assert "5 bytes" in error["message"]

    @pytest.mark.parametrize(
        "uri",
        [
            "upload:///fil-none",
            "upload:///../../x",
            "upload:///",
            "file:///etc/passwd",
            "smythfs://{tenant}.team/agt-other/_temp/x",
            "smythfs://{tenant}.team/{agent}/../agt-other/x",
            "smythfs://{tenant}.team/{agent}/%2e%2e/agt-other/x",
            "smythfs://ten-other.team/{agent}/x",
            "smythfs://agt-other.agent/x",
            "smythfs://{agent}.agent/none.txt",
            "\u2603",
            "",
        ],
    )
    def test_other_addresses_lead_nowhere(self, caller: Context, uri: str) -> None:
        agent_id = agent_of(caller)
        uri = uri.replace("{tenant}", caller["tenant_id"]).replace("{agent}", agent_id)
        services().bucket.put(f"t/{caller['tenant_id']}/fs/teams/{caller['tenant_id']}/agt-other/x", b"secret")
        assert ask(caller, agent_id, "resources/read", {"uri": uri})["error"]["code"] == -32602


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


class TestOfficialClient:
    @pytest.fixture
    def agent_id(self, caller: Context) -> str:
        """Made outside of the test's event loop, for handlers bring their own."""
        return agent_of(caller, answering("greet", {"name": "who"}), speaking("say"))

    @pytest.mark.parametrize("mode", ["auto", "legacy"])
    async def test_a_whole_session(self, base_url: str, caller: Context, agent_id: str, mode: str) -> None:
        heard: list[str] = []

        async def hear(progress: float, total: float | None, message: str | None) -> None:
            heard.append(message or "")

        async with connected(base_url, caller, agent_id, mode) as client:
            assert client.protocol_version == ("2026-07-28" if mode == "auto" else "2025-11-25")
            assert client.instructions == "Talks."
            assert [tool.name for tool in (await client.list_tools()).tools] == ["greet", "say"]
            greeted = await client.call_tool("greet", {"who": "Ada"})
            assert greeted.structured_content == {"who": "Ada"}
            said = await client.call_tool("say", {"text": "one two"}, progress_callback=hear)
            assert said.structured_content == {"said": "one two"}
            assert "".join(heard).strip() == "one two"
            assert (await client.call_tool("greet", {})).is_error
            assert [one.name for one in (await client.list_prompts()).prompts] == ["talker"]
            assert (await client.list_resources()).resources == []
        assert statuses(caller) == ["settled", "settled"]

    async def test_calls_go_on_side_by_side(self, base_url: str, caller: Context, agent_id: str) -> None:
        async with connected(base_url, caller, agent_id) as client:
            results = await asyncio.gather(*(client.call_tool("greet", {"who": str(n)}) for n in range(12)))
        assert [json.loads(result.content[0].text)["who"] for result in results] == [str(n) for n in range(12)]  # type: ignore[union-attr]
