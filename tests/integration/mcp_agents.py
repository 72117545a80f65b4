"""An agent to use over the Model Context Protocol, and its messages."""

from __future__ import annotations

import json
from typing import Any

from tests.integration.events import Answer, Context, call
from tests.unit.conversation.agents import answering, endpoint

ACCEPT = {"Accept": "application/json, text/event-stream"}


def speaking(name: str, *, model: str = "Echo", passthrough: bool = True) -> dict[str, Any]:
    """Return a skill that has a model say something, word by word for whoever listens."""
    start = endpoint(name, {"name": "text"})
    said = {
        "id": f"LLM_{name}",
        "name": "GenAILLM",
        "data": {"model": model, "prompt": "{{text}}", "passthrough": passthrough},
        "inputs": [{"name": "text"}],
        "outputs": [{"name": "Reply", "default": True}],
    }
    end = {
        "id": f"OUT_{name}",
        "name": "APIOutput",
        "data": {"format": "minimal"},
        "inputs": [{"name": "said"}],
        "outputs": [],
    }
    wires = [
        {"sourceId": start["id"], "sourceIndex": 3, "targetId": said["id"], "targetIndex": 0},
        {"sourceId": said["id"], "sourceIndex": 0, "targetId": end["id"], "targetIndex": 0},
    ]
    return {"components": [start, said, end], "connections": wires}


def agent_of(caller: Context, *skills: dict[str, Any], **fields: Any) -> str:
    """Make an agent of skills, ``greet`` and ``add`` unless told; return its id."""
    skills = skills or (
        answering("greet", {"name": "who", "description": "Whom to greet."}, description="Greets somebody."),
        answering("add", {"name": "a", "type": "Number"}, {"name": "b", "type": "Number"}, method="GET"),
    )
    body = {
        "name": "Talker",
        "description": "Talks.",
        "behavior": "Be kind.",
        "model": "Echo",
        "components": [component for skill in skills for component in skill["components"]],
        "connections": [wire for skill in skills for wire in skill["connections"]],
        **fields,
    }
    answer = call("POST", "/api/agents/create", body=body, caller=caller)
    assert answer.status == 201, answer.content
    agent_id: str = answer.json()["id"]
    return agent_id


def send(
    caller: Context, agent_id: str, message: Any, *, version: str = "2025-11-25", headers: dict[str, str] | None = None
) -> Answer:
    """Send one message, or a batch, through the function's handler."""
    said = ACCEPT | {"MCP-Protocol-Version": version} | (headers or {})
    return call("POST", f"/api/agents/{agent_id}/mcp", body=message, headers=said, caller=caller)


def ask(caller: Context, agent_id: str, method: str, params: dict[str, Any] | None = None, **options: Any) -> Any:
    """Return the answer to one request: the JSON-RPC response."""
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
    answer = send(caller, agent_id, message, **options)
    if answer.headers["content-type"].startswith("text/event-stream"):
        return messages_of(answer.content.decode())[-1]
    return answer.json()


def use(caller: Context, agent_id: str, name: str, arguments: dict[str, Any], **options: Any) -> Any:
    """Return the response to a call of a tool."""
    return ask(caller, agent_id, "tools/call", {"name": name, "arguments": arguments}, **options)


def messages_of(stream: str) -> list[Any]:
    """Return the messages of a stream of events."""
    return [json.loads(line.removeprefix("data: ")) for line in stream.splitlines() if line.startswith("data: ")]
