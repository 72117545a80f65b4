"""Skills as tools: what a client is told of them, what it may send, what it gets."""

from __future__ import annotations

import json
from typing import Any

from mcp_types import Tool, ToolAnnotations

from smyth.components.base import Request as AgentRequest
from smyth.conversation.skills import Skill, skills_of
from smyth.document import Document
from smyth.http.json_bodies import to_response

_MOST_FAULTS = 5
_MOST_CHARACTERS = 300


def tools_of(document: Document) -> list[Tool]:
    """Return the agent's exposed skills."""
    return [_tool(skill) for skill in skills_of(document).values()]


def _tool(skill: Skill) -> Tool:
    function = skill.tool["function"]
    # Of what the hints can say an agent's author says one thing: by HTTP a GET changes nothing.
    hints = ToolAnnotations(read_only_hint=True) if skill.method == "GET" else None
    return Tool(
        name=skill.name,
        title=skill.title or None,
        description=function["description"] or None,
        input_schema=function["parameters"],
        annotations=hints,
    )


def faults_of(skill: Skill, arguments: dict[str, Any]) -> str:
    """Return what is wrong with the arguments of a call, for the model to mend; empty where nothing is."""
    from jsonschema import Draft202012Validator

    schema = skill.tool["function"]["parameters"]
    found = sorted(Draft202012Validator(schema).iter_errors(arguments), key=lambda fault: list(map(str, fault.path)))
    told = [
        f"{'.'.join(map(str, fault.path)) or 'arguments'}: {fault.message[:_MOST_CHARACTERS]}"
        for fault in found[:_MOST_FAULTS]
    ]
    if not told:
        return ""
    return (
        f'The arguments do not fit the inputSchema of "{skill.name}". Call it again with these mended:\n'
        + "\n".join(told)
    )


def request_of(skill: Skill, arguments: dict[str, Any]) -> AgentRequest:
    """Return what the agent gets when a client calls a skill."""
    in_query = skill.method == "GET"
    return AgentRequest(
        method=skill.method,
        path=f"/api/{skill.name}",
        headers={"content-type": "application/json"},
        query=arguments if in_query else {},
        body=None if in_query else arguments,
    )


def result_of(answer: Any) -> dict[str, Any]:
    """Return what a skill answered as the result of a call: the JSON of its run endpoint, as text and as object."""
    text = bytes(to_response(answer).body).decode()
    if "\\ud" in text:  # Halves of characters, which this protocol cannot carry.
        text = json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8", "replace").decode()
    value = json.loads(text)
    said = value if isinstance(value, str) else text
    result: dict[str, Any] = {"content": [{"type": "text", "text": said}], "isError": has_failed(value)}
    return result | {"structuredContent": value} if isinstance(value, dict) else result


def has_failed(answer: Any) -> bool:
    """Tell whether all that a run came to are errors of components that nothing handled."""
    entries = answer if isinstance(answer, list) else [answer]
    return bool(entries) and all(_is_error(entry) for entry in entries)


def _is_error(entry: Any) -> bool:
    result = entry.get("result") if isinstance(entry, dict) else None
    return isinstance(result, dict) and bool(result.get("_error"))
