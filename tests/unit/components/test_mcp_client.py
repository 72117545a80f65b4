from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from smyth.components.base import ComponentError
from smyth.components.registry import find
from smyth.connectors.models.port import ModelError, ToolCall
from smyth.connectors.ports import Ports
from smyth.conversation import AskedTurns
from tests.peers.http_service import Asked, HttpService
from tests.peers.http_service import Reply as HttpReply
from tests.peers.mcp_servers import McpServer
from tests.peers.scripted_models import Reply, ScriptedModels, scripted
from tests.unit.components.services import ports_of

OutputsOf = Callable[..., Any]
FAILED = "Error on running MCP Client!\n"


@pytest.fixture(scope="module")
def http_server() -> Iterator[McpServer]:
    with McpServer("http") as server:
        yield server


@pytest.fixture(scope="module")
def sse_server() -> Iterator[McpServer]:
    with McpServer("sse") as server:
        yield server


@pytest.fixture(params=["http", "sse"])
def server(request: pytest.FixtureRequest) -> McpServer:
    found: McpServer = request.getfixturevalue(f"{request.param}_server")
    return found


def world(*replies: Reply) -> Ports:
    ports = ports_of({})
    ports.models = scripted(*replies)
    ports.conversations = AskedTurns()
    return ports


def settings(url: str, **data: Any) -> dict[str, Any]:
    return {"mcpUrl": url, "name": "Pantry", "model": "scripted", "descForModel": "You keep a pantry."} | data


def calling(tool: str, **arguments: Any) -> Reply:
    return Reply(calls=(ToolCall("c1", tool, json.dumps(arguments)),))


def asked(ports: Ports, request: int = -1) -> Any:
    assert isinstance(ports.models, ScriptedModels)
    return ports.models.requests[request]


async def test_the_model_may_call_the_tools_over_either_transport(outputs_of: OutputsOf, server: McpServer) -> None:
    ports = world(calling("add", first=2, second=3), Reply("It is 5."))
    found = await outputs_of("MCPClient", settings(server.url), {"Prompt": "2 + 3?"}, ports=ports)
    assert found == {"Output": "It is 5."}
    assert asked(ports).messages[0] == {"role": "system", "content": "You keep a pantry."}
    assert asked(ports).messages[-1]["content"] == "5"


async def test_tools_are_told_with_their_whole_schema(outputs_of: OutputsOf, http_server: McpServer) -> None:
    ports = world(Reply("Hm."))
    await outputs_of("MCPClient", settings(http_server.url), {"Prompt": "x"}, ports=ports)
    tools = {tool["function"]["name"]: tool["function"] for tool in asked(ports).tools}
    assert set(tools) == {"add", "spoil", "noop"}
    assert tools["add"]["description"] == "Add two numbers."
    assert tools["add"]["parameters"]["required"] == ["first", "second"]
    assert tools["noop"]["parameters"]["properties"] == {}


async def test_a_tool_that_fails_is_told_to_the_model(outputs_of: OutputsOf, http_server: McpServer) -> None:
    ports = world(calling("spoil", item="milk"), calling("nothing"), Reply("Sorry."))
    found = await outputs_of("MCPClient", settings(http_server.url), {"Prompt": "x"}, ports=ports)
    assert found == {"Output": "Sorry."}
    assert "error" in json.loads(asked(ports, 1).messages[-1]["content"])
    assert json.loads(asked(ports, 2).messages[-1]["content"]) == {"error": 'There is no tool "nothing".'}


async def test_prompt_and_behavior_are_templates(outputs_of: OutputsOf, http_server: McpServer) -> None:
    ports = world(Reply("Hm."))
    data = settings(http_server.url, prompt="Tell {{who}}", descForModel="For {{who}}")
    await outputs_of("MCPClient", data, {"who": "Ann"}, ports=ports)
    assert [message["content"] for message in asked(ports).messages] == ["For Ann", "Tell Ann"]


async def test_a_prompt_that_nobody_gave_is_told(outputs_of: OutputsOf, http_server: McpServer) -> None:
    with pytest.raises(ComponentError, match="Please provide a prompt"):
        await outputs_of("MCPClient", settings(http_server.url), {}, ports=world())


async def test_a_model_that_fails_is_told(outputs_of: OutputsOf, http_server: McpServer) -> None:
    ports = world(Reply("half", error=ModelError("The model is busy.")))
    with pytest.raises(ComponentError, match=f"^{FAILED}The model is busy.$"):
        await outputs_of("MCPClient", settings(http_server.url), {"Prompt": "x"}, ports=ports)


async def test_an_address_where_nobody_answers_is_told(outputs_of: OutputsOf) -> None:
    with pytest.raises(ComponentError, match="Nobody answers"):
        await outputs_of("MCPClient", settings("http://127.0.0.1:9/mcp"), {"Prompt": "x"}, ports=world())


async def test_private_addresses_are_refused(outputs_of: OutputsOf, http_server: McpServer) -> None:
    ports = Ports(models=scripted(), conversations=AskedTurns())
    with pytest.raises(ComponentError, match="not a public address"):
        await outputs_of("MCPClient", settings(http_server.url), {"Prompt": "x"}, ports=ports)


class Refusing(HttpService):
    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status

    def answer(self, asked: Asked) -> HttpReply:
        return HttpReply({"error": "no"}, self.status)


@pytest.mark.parametrize(
    ("status", "told"), [(406, "refuses the kinds of answers"), (404, "404"), (500, "500"), (401, "401")]
)
async def test_a_server_that_refuses_is_told(outputs_of: OutputsOf, status: int, told: str) -> None:
    with Refusing(status) as server, pytest.raises(ComponentError, match=told):
        await outputs_of("MCPClient", settings(server.url), {"Prompt": "x"}, ports=world())


async def test_a_token_is_sent_to_the_server_alone(outputs_of: OutputsOf) -> None:
    data = {"token": "{{key}}"}
    with Refusing(401) as server, pytest.raises(ComponentError, match="401"):
        await outputs_of("MCPClient", settings(server.url, **data), {"Prompt": "x", "key": "s3cret"}, ports=world())
    assert {asked.headers["authorization"] for asked in server.asked} == {"Bearer s3cret"}
    with pytest.raises(ComponentError, match="No token"):
        await outputs_of("MCPClient", settings("http://127.0.0.1:9/", token="{{KEY(none)}}"), {"Prompt": "x"})


async def test_a_server_that_speaks_something_else_is_told(outputs_of: OutputsOf) -> None:
    with Refusing(200) as server, pytest.raises(ComponentError, match="does not speak MCP"):
        await outputs_of("MCPClient", settings(server.url), {"Prompt": "x"}, ports=world())


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "stdio", "ftp://x"])
def test_only_web_addresses_are_taken(url: str) -> None:
    with pytest.raises(ValidationError):
        find("MCPClient").Settings.model_validate(settings(url))
