"""An agent's skills as an OpenAPI document of their own, ready for actions of a custom GPT and other importers."""

from __future__ import annotations

import re
from typing import Any

from smyth.conversation.skills import Skill, skills_of
from smyth.document import Document
from smyth.platform.agent_records import Agent

_SUMMARY = 300
#: What actions of GPTs take of a description, and of a parameter's; other importers take more.
_GPT_DESCRIPTION = 300
_GPT_PARAMETER = 700
#: Names that an operation may have, and methods that a run endpoint knows.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_METHODS = ("GET", "POST")
_JSON_TEXT = "JSON, written as text."

_SCHEMAS: dict[str, Any] = {
    "Answer": {
        "description": "What the agent answers: a value shaped by its output, or per output its id, name and result.",
        "type": ["object", "array", "string", "number", "boolean", "null"],
        "properties": {},
        "items": {},
    },
    "Problem": {
        "description": "What went wrong and what to do (RFC 9457).",
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "instance": {"type": "string"},
            "request_id": {"type": "string"},
        },
    },
}


_RESPONSES: dict[str, Any] = {
    "200": {
        "description": "The agent's answer.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Answer"}}},
    },
    "default": {
        "description": "The skill was not run, or was ended.",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    },
}


def agent_openapi(
    agent: Agent, document: Document, *, server: str, version: int, for_gpt: bool = False
) -> dict[str, Any]:
    """Return the document: one operation for each exposed skill.

    Args:
        agent: The agent.
        document: The version that callers get.
        server: Where this service is found by whoever asks.
        version: Its number.
        for_gpt: Cut texts to what actions of GPTs take.
    """
    return {
        "openapi": "3.1.0",
        "info": {"title": agent.name, "description": agent.description, "version": str(version)},
        "servers": [{"url": server or "/"}],
        "security": [{"bearer": []}],
        "paths": {
            f"/api/agents/{agent.id}/run/{skill.name}": {skill.method.lower(): _operation(skill, for_gpt=for_gpt)}
            for skill in skills_of(document).values()
            # Others can neither be run nor be named here.
            if _NAME.fullmatch(skill.name) and skill.method in _METHODS
        },
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(skill: Skill, *, for_gpt: bool) -> dict[str, Any]:
    function = skill.tool["function"]
    description = str(function["description"])
    operation: dict[str, Any] = {
        "operationId": skill.name,
        "summary": _cut(skill.summary or skill.title or description or skill.name, _SUMMARY),
        "description": _cut(description, _GPT_DESCRIPTION) if for_gpt else description,
        "responses": _RESPONSES,
    }
    required = function["parameters"]["required"]
    inputs = {name: _input(schema, for_gpt=for_gpt) for name, schema in function["parameters"]["properties"].items()}
    if skill.method == "GET":
        operation["parameters"] = [
            _parameter(name, schema, required=name in required) for name, schema in inputs.items()
        ]
    elif inputs:
        schema = {"type": "object", "properties": inputs, "required": required}
        operation["requestBody"] = {
            "required": bool(required),
            "content": {"application/json": {"schema": schema}},
        }
    return operation


def _input(schema: dict[str, Any], *, for_gpt: bool) -> dict[str, Any]:
    """Return an input's schema as strict readers take it.

    They refuse a default of another type, such as a template, and want of objects a word on their properties.
    """
    from jsonschema import Draft202012Validator

    described = dict(schema)
    if "description" in described:
        text = str(described["description"])
        described["description"] = _cut(text, _GPT_PARAMETER) if for_gpt else text
    if "default" in described and not Draft202012Validator({"type": described["type"]}).is_valid(described["default"]):
        del described["default"]
    return {**described, "properties": {}} if described["type"] == "object" else described


def _parameter(name: str, schema: dict[str, Any], *, required: bool) -> dict[str, Any]:
    """Return an input in the query, where objects and lists are text."""
    schema = dict(schema)
    description = str(schema.pop("description", ""))
    if schema["type"] in ("array", "object"):
        schema = {"type": "string", "contentMediaType": "application/json"}
        description = f"{description} {_JSON_TEXT}".strip()
    said = {"description": description} if description else {}
    return {"name": name, "in": "query", "required": required, "schema": schema, **said}


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3].rstrip()}..."
