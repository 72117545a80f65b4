"""The operations of an HTTP API as tools of a model (COMPONENTS section 9, OpenAPI)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from smyth.components._services import read_json, send
from smyth.components.base import Call
from smyth.connectors.conversations.port import Tool
from smyth.connectors.http.port import HttpRequest
from smyth.connectors.openapi.spec import (
    JSON_TYPE,
    Operation,
    SpecError,
    as_list,
    as_object,
    base_url,
    inlined,
    operations,
)
from smyth.values import to_json, to_text

#: As many as providers take.
_MOST_TOOLS = 128
_LONGEST_NAME = 64
_WHOLE_BODY = "body"


def tools(spec: dict[str, Any], fetched_from: str, call: Call) -> list[Tool]:
    """Return a tool for each operation; those that cannot be called are left out, and the run's log says why.

    Raises:
        SpecError: It is no OpenAPI 3 document, or names no server.
    """
    base = base_url(spec, fetched_from)
    found: dict[str, Tool] = {}
    for operation in operations(spec)[:_MOST_TOOLS]:
        try:
            arguments = _read(operation)
        except SpecError as error:
            call.log(f"{operation.method} {operation.path} is left out: {error}")
            continue
        name = _free_name(operation.id, found)
        found[name] = Tool(name, operation.description, arguments.schema(), _caller(operation, arguments, base, call))
    return list(found.values())


@dataclass(slots=True)
class _Arguments:
    """What an operation takes, and where in the request it goes."""

    properties: dict[str, Any] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    #: Argument to place (``path``, ``query``, ``header``, ``body``) and name there.
    places: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, place: str, name: str, schema: Any, *, required: bool) -> None:
        """Take an argument; one with a name that is taken gets another."""
        given, number = name, 1
        while given in self.places:
            number += 1
            given = f"{name}_{number}"
        self.properties[given] = schema
        self.places[given] = (place, name)
        if required:
            self.required.append(given)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of all arguments."""
        return {"type": "object", "properties": self.properties, "required": self.required}


def _read(operation: Operation) -> _Arguments:
    """Read what an operation takes.

    Raises:
        SpecError: It cannot be called.
    """
    arguments = _Arguments()
    for place, name, described in operation.parameters():
        told = dict(as_object(inlined(operation.spec, described.get("schema")))) or {"type": "string"}
        if described.get("description"):
            told["description"] = str(described["description"])
        arguments.add(place, name, told, required=place == "path" or bool(described.get("required")))
    body, schema = operation.body()
    if not body:
        return arguments
    properties, needed = as_object(schema.get("properties")), as_list(schema.get("required"))
    if not properties:
        whole = inlined(operation.spec, dict(schema)) or {"type": "object"}
        arguments.add("whole body", _WHOLE_BODY, whole, required=bool(body.get("required")))
    for name, property_schema in properties.items():
        arguments.add("body", name, inlined(operation.spec, property_schema), required=name in needed)
    return arguments


def _free_name(identity: str, taken: dict[str, Tool]) -> str:
    """Return a name that providers accept and no other tool has."""
    clean = re.sub(r"[^A-Za-z0-9-]+", "_", identity).strip("_")[:_LONGEST_NAME] or "operation"
    name, number = clean, 1
    while name in taken:
        number += 1
        name = f"{clean[: _LONGEST_NAME - 4]}_{number}"
    return name


def _caller(operation: Operation, arguments: _Arguments, base: str, call: Call) -> Any:
    async def ask(given: dict[str, Any]) -> Any:
        reply = await send(call, _request(operation, arguments, base, given))
        body = read_json(reply)
        if body is None:
            body = reply.content.decode("utf-8", "replace")
        if reply.status >= 400:
            return {"error": f"Request failed with status code {reply.status}", "response": body}
        return body

    return ask


def _request(operation: Operation, arguments: _Arguments, base: str, given: dict[str, Any]) -> HttpRequest:
    """Return the request with what the model gave; arguments that the operation does not have are dropped."""
    path, query, headers = operation.path, [], {"accept": JSON_TYPE}
    members: dict[str, Any] = {}
    body: Any = None
    for argument, value in given.items():
        place, name = arguments.places.get(argument, ("", ""))
        if place == "path":
            path = path.replace(f"{{{name}}}", quote(_text(value), safe=""))
        elif place == "query":
            query += [(name, _text(one)) for one in (value if isinstance(value, list) else [value])]
        elif place == "header":
            headers[name] = _text(value)
        elif place == "body":
            members[name] = value
        elif place == "whole body":
            body = value
    if members or body is not None:
        headers["content-type"] = JSON_TYPE
    content = json.dumps(members if body is None else body).encode() if members or body is not None else None
    url = base + path + (f"?{urlencode(query)}" if query else "")
    return HttpRequest(url, operation.method, headers, content)


def _text(value: Any) -> str:
    return to_json(value) if isinstance(value, dict | list) else to_text(value)
