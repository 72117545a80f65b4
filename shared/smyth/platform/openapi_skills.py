"""Skills made of an HTTP API: each operation of an OpenAPI 3 document becomes endpoint, APICall, output."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from smyth.connectors.http.addresses import AddressGuard
from smyth.connectors.http.client import HttpClient
from smyth.connectors.http.port import HttpError, HttpRequest
from smyth.connectors.openapi.spec import (
    JSON_TYPE,
    Object,
    Operation,
    SpecError,
    as_list,
    as_object,
    base_url,
    operations,
    read,
    resolved,
)
from smyth.platform.errors import Invalid
from smyth.platform.skill_chains import Chain, InputType, SkillInput, Step

MAX_OPERATIONS = 50
MAX_SPEC_BYTES = 5 * 1024 * 1024
_FETCH_S = 10.0
_TYPES: dict[str, InputType] = {
    "integer": "Integer",
    "number": "Number",
    "boolean": "Boolean",
    "array": "Array",
    "object": "Object",
}

Value = TypeVar("Value")


class OpenAPISource(BaseModel):
    """An HTTP API that becomes one skill per operation."""

    model_config = ConfigDict(extra="forbid")

    spec: dict[str, Any] | None = Field(default=None, description="An OpenAPI 3 document.")
    url: str | None = Field(default=None, max_length=2000, description="Where to fetch it; https and public.")
    operations: list[str] | None = Field(default=None, max_length=50, description="Ids of the operations to take.")
    headers: dict[str, str] = Field(
        default_factory=dict, description='Sent with every call, such as {"Authorization": "Bearer {{KEY(shop)}}"}.'
    )


async def fetch_spec(url: str, *, allow_private: bool = False) -> dict[str, Any]:
    """Fetch an OpenAPI document.

    Args:
        url: An https address.
        allow_private: Whether addresses inside private networks may be asked, as on a laptop.

    Raises:
        Invalid: The address may not be asked, does not answer, or answers something else.
    """
    schemes = ("http", "https") if allow_private else ("https",)
    client = HttpClient(AddressGuard(schemes=schemes, allow_private=allow_private))
    wanted = HttpRequest(url, headers={"accept": JSON_TYPE}, timeout_s=_FETCH_S, max_bytes=MAX_SPEC_BYTES)
    try:
        reply = await client.send(wanted)
    except HttpError as error:
        raise Invalid(f"openapi.url: {error} Or send the document as openapi.spec.") from None
    finally:
        await client.close()
    if not 200 <= reply.status < 300:
        raise Invalid(f"openapi.url was answered with HTTP {reply.status}. Check the address.")
    spec = read(reply.content)
    if spec is None:
        raise Invalid("openapi.url does not hold a JSON object. Give the address of the OpenAPI document in JSON form.")
    return spec


def chains(source: OpenAPISource, spec: dict[str, Any], *, name: str | None) -> list[Chain]:
    """Return one skill for each operation that ``source`` asks for, all of them unless it names some.

    Args:
        source: What was asked for.
        spec: The OpenAPI document, sent or fetched.
        name: Of the skill when there is one operation; else what the operations' own names begin with.

    Raises:
        Invalid: It is no OpenAPI 3 document, or lacks what was asked for.
    """
    try:
        return _chains(source, spec, name)
    except SpecError as error:
        raise Invalid(str(error)) from None


def _chains(source: OpenAPISource, spec: dict[str, Any], name: str | None) -> list[Chain]:
    found = {operation.id: operation for operation in operations(spec)}
    wanted = list(found) if source.operations is None else source.operations
    if unknown := [identity for identity in wanted if identity not in found]:
        raise Invalid(f'The API has no operation "{unknown[0]}". It has: {", ".join(list(found)[:50]) or "none"}.')
    if not 0 < len(wanted) <= MAX_OPERATIONS:
        raise Invalid(
            f"The API has {len(wanted)} operations; 1 to {MAX_OPERATIONS} can be added at once. "
            'Name those you need in "operations".'
        )
    names = {identity: _skill_name(identity, name, alone=len(wanted) == 1) for identity in wanted}
    base = base_url(spec, source.url)
    return [_SkillOf(found[identity]).as_chain(skill, base, source.headers) for identity, skill in names.items()]


def _skill_name(operation: str, name: str | None, *, alone: bool) -> str:
    if name and alone:
        return name
    words = re.sub(r"[^a-zA-Z0-9]+", "_", f"{name}_{operation}" if name else operation).strip("_")
    return words[:50].rstrip("_") or "skill"


def needs_key(spec: dict[str, Any]) -> bool:
    """Tell whether the API speaks of authentication."""
    return bool(spec.get("security") or as_object(spec.get("components")).get("securitySchemes"))


class _SkillOf:
    """An operation on its way to become a skill."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation

    def as_chain(self, name: str, base: str, headers: Mapping[str, str]) -> Chain:
        """Return the skill: its inputs, and one APICall that sends them."""
        inputs: dict[str, SkillInput] = {}
        url, sent = _plain(base + self._operation.path), dict(headers)
        query: list[str] = []
        for place, parameter, described in self._operation.parameters():
            given = self._input(parameter, described, required=bool(described.get("required")), inputs=inputs)
            if place == "path":
                url = url.replace(f"{{{parameter}}}", f"{{{{{given}}}}}")
            elif place == "query":
                query.append(f"{quote(_plain(parameter), safe='[]')}={{{{{given}}}}}")
            elif place == "header":
                sent.setdefault(_plain(parameter), f"{{{{{given}}}}}")
        body = self._body(inputs)
        settings = {
            "method": self._operation.method,
            "url": url + ("?" + "&".join(query) if query else ""),
            "headers": json.dumps(sent) if sent else "",
            "contentType": JSON_TYPE if body else "none",
            "body": body,
        }
        wired = {given: f"{{{{{given}}}}}" + ("" if one.required else "?") for given, one in inputs.items()}
        step = Step(id="call", component="APICall", settings=settings, inputs=wired)
        return Chain(
            name,
            self._operation.description[:5000],
            "POST",
            list(inputs.values()),
            [step],
            {"response": "call.Response"},
        )

    def _body(self, inputs: dict[str, SkillInput]) -> str:
        """Return the JSON body with a placeholder for each property, and add the properties to ``inputs``."""
        body, schema = self._operation.body()
        if not body:
            return ""
        properties, required = as_object(schema.get("properties")), as_list(schema.get("required"))
        if not properties:
            whole = {"schema": {"type": "object", **schema}}
            return f"{{{{{self._input('body', whole, required=bool(body.get('required')), inputs=inputs)}}}}}"
        members = []
        for member, raw in properties.items():
            inner = resolved(self._operation.spec, raw)
            described = {"schema": inner, "description": inner.get("description")}
            given = self._input(member, described, required=member in required, inputs=inputs)
            mark = '"' if inputs[given].type == "Text" else ""
            members.append(f"{json.dumps(_plain(member))}: {mark}{{{{{given}}}}}{mark}")
        return "{" + ", ".join(members) + "}"

    def _input(self, name: str, described: Object, *, required: bool, inputs: dict[str, SkillInput]) -> str:
        """Add an input and return its name: one that templates can hold and no other input has."""
        clean = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")[:40] or "value"
        clean = clean if clean[0].isalpha() else f"value_{clean}"
        given, number = clean, 1
        while given in inputs:
            number += 1
            given = f"{clean}_{number}"
        schema = resolved(self._operation.spec, described.get("schema"))
        kind = schema.get("type")
        kind = next((one for one in kind if one != "null"), None) if isinstance(kind, list) else kind
        inputs[given] = SkillInput(
            name=given,
            type=_TYPES.get(str(kind), "Text"),
            required=required,
            description=str(described.get("description") or "")[:1000],
            default=_plain(schema.get("default")),
        )
        return given


def _plain(value: Value) -> Value:
    """Return ``value`` unless it holds a placeholder.

    The document may be anybody's. A placeholder in what is sent could read the agent's variables and secrets.

    Raises:
        Invalid: It holds one.
    """
    if "{{" in json.dumps(value):
        raise Invalid(f'The OpenAPI document holds a placeholder in {value!r:.100}. Take the "{{{{" out.')
    return value
