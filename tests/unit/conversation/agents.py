"""Small agents for tests of conversations."""

from __future__ import annotations

from typing import Any

from smyth.document import load
from smyth.engine import Plan, compile


def endpoint(name: str, *inputs: dict[str, Any], id: str | None = None, **data: Any) -> dict[str, Any]:
    part = "query" if data.get("method") == "GET" else "body"
    outputs = [{"name": default, "default": True} for default in ("headers", "body", "query")]
    custom = [{"name": f"{part}.{port['name']}", "expression": f"{part}.{port['name']}"} for port in inputs]
    return {
        "id": id or f"EP_{name}",
        "name": "APIEndpoint",
        "data": {"endpoint": name, "method": "POST", **data},
        "inputs": list(inputs),
        "outputs": [*outputs, *custom],
    }


def answering(name: str, *inputs: dict[str, Any], **data: Any) -> dict[str, list[dict[str, Any]]]:
    """Return an endpoint that answers with its inputs, wired to an APIOutput."""
    start = endpoint(name, *inputs, **data)
    end = {
        "id": f"OUT_{name}",
        "name": "APIOutput",
        "data": {"format": "minimal"},
        "inputs": [{"name": port["name"], "optional": True} for port in inputs],
        "outputs": [],
    }
    wires = [
        {"sourceId": start["id"], "sourceIndex": index + 3, "targetId": end["id"], "targetIndex": index}
        for index in range(len(inputs))
    ]
    return {"components": [start, end], "connections": wires}


def agent(*parts: dict[str, list[dict[str, Any]]], **members: Any) -> Plan:
    document = {
        "version": "1.0.0",
        "id": "agent-1",
        "name": "Helper",
        "behavior": "You help.",
        "defaultModel": "scripted",
        "components": [component for part in parts for component in part["components"]],
        "connections": [connection for part in parts for connection in part["connections"]],
        **members,
    }
    return compile(load(document))
