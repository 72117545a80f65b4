"""Agents as MCP servers on a real socket: news while a tool runs, clients that leave, the official client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from functions.agent_mcp.handler import app
from tests.integration.events import Context
from tests.integration.mcp_agents import agent_of, messages_of, send, speaking
from tests.integration.talkers import ledger, script_models, statuses
from tests.integration.waiting import until
from tests.integration.web_apps import let_in, served
from tests.peers.scripted_models import Reply
from tests.unit.conversation.agents import answering


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
