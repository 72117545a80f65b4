"""The official MCP client, and our own agents, use an agent's skills through the front."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from tests.e2e.laptop import Dev
from tests.integration.mcp_agents import speaking
from tests.unit.conversation.agents import answering, endpoint


def made(dev: Dev, key: str, *skills: dict[str, Any]) -> str:
    """Make an agent of skills; return where its MCP server is."""
    body = {
        "name": "Talker",
        "behavior": "Be kind.",
        "model": "scripted",
        "components": [component for skill in skills for component in skill["components"]],
        "connections": [wire for skill in skills for wire in skill["connections"]],
    }
    with dev.client(key) as http:
        answer = http.post("/api/agents/create", json=body)
        assert answer.status_code == 201, answer.text
        return f"{dev.url}/api/agents/{answer.json()['id']}/mcp"


@asynccontextmanager
async def connected(url: str, key: str, mode: str = "auto") -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


def billed(dev: Dev, key: str) -> int:
    with dev.client(key) as http:
        return int(http.get("/api/usage").json()["requests"]["used"])


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_official_client_has_a_whole_session(dev: Dev, mode: str) -> None:
    key = dev.tenant("basic", requests_per_month=3)
    url = made(dev, key, answering("greet", {"name": "who"}), speaking("say", model="Echo"))
    heard: list[str] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message or "")

    with dev.client(key) as http:
        upload = http.post("/api/storage/upload", files={"file": ("note.txt", b"remember", "text/plain")})
        assert upload.status_code == 201, upload.text
    async with connected(url, key, mode) as client:
        assert client.server_info is not None
        assert client.server_info.name == "Talker"
        assert [tool.name for tool in (await client.list_tools()).tools] == ["greet", "say"]
        assert (await client.call_tool("greet", {"who": "Ada"})).structured_content == {"who": "Ada"}
        said = await client.call_tool("say", {"text": "one two three"}, progress_callback=hear)
        assert said.structured_content == {"said": "one two three"}
        assert "".join(heard).strip() == "one two three"
        (resource,) = (await client.list_resources()).resources
        (content,) = (await client.read_resource(resource.uri)).contents
        assert (resource.name, content.text) == ("note.txt", "remember")  # type: ignore[union-attr]
        (prompt,) = (await client.list_prompts()).prompts
        messages = (await client.get_prompt(prompt.name, {"message": "Hello"})).messages
        assert [one.content.text for one in messages][1:] == ["Hello"]  # type: ignore[union-attr]
        assert (await client.call_tool("greet", {"who": 7})).is_error
        with pytest.raises(MCPError, match="Unknown tool"):
            await client.call_tool("nothing", {})
        await client.call_tool("greet", {"who": "the last one"})
        with pytest.raises(MCPError, match="plan"):
            await client.call_tool("greet", {"who": "one too many"})
        assert len((await client.list_tools()).tools) == 2
    assert billed(dev, key) == 3


async def test_without_a_key_nobody_gets_in(dev: Dev) -> None:
    url = made(dev, dev.tenant_key, answering("greet", {"name": "who"}))
    with dev.client("") as http:
        assert http.post(url.removeprefix(dev.url), json={}).status_code == 401
    with pytest.raises((MCPError, httpx2.HTTPError, ExceptionGroup)):
        async with connected(url, ""):
            pass


def test_listening_and_ending_sessions_are_refused_as_the_protocol_says(dev: Dev) -> None:
    path = made(dev, dev.tenant_key, answering("greet")).removeprefix(dev.url)
    with dev.client() as http:
        assert [http.request(method, path).status_code for method in ("GET", "DELETE")] == [405, 405]


def test_an_agent_uses_the_skills_of_another(dev: Dev) -> None:
    url = made(dev, dev.tenant_key, answering("greet", {"name": "who"}))
    start = endpoint("go", {"name": "task"})
    client = {
        "id": "MCP",
        "name": "MCPClient",
        "data": {
            "mcpUrl": url,
            "token": dev.tenant_key,
            "name": "The other",
            "model": "scripted",
            "descForModel": "",
            "prompt": "{{task}}",
        },
        "inputs": [{"name": "task"}],
        "outputs": [{"name": "Output", "default": True}],
    }
    wire = {"sourceId": start["id"], "sourceIndex": 3, "targetId": "MCP", "targetIndex": 0}
    user = made(dev, dev.tenant_key, {"components": [start, client], "connections": [wire]})
    before = billed(dev, dev.tenant_key)
    with dev.client() as http:
        path = user.removeprefix(dev.url).removesuffix("/mcp") + "/run/go"
        answer = http.post(path, json={"task": 'call: greet {"who": "Ada"}'})
    assert answer.status_code == 200, answer.text
    assert answer.json()["result"] == {"Output": 'TOOL SAID: {"who":"Ada"}'}
    assert billed(dev, dev.tenant_key) == before + 2
