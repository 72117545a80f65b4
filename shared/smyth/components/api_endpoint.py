"""APIEndpoint: where a request comes in ("Agent Skill"; COMPONENTS section 1)."""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field

from smyth.components import _files as files
from smyth.components import base
from smyth.components.base import START_INPUT, Call, Port, Run
from smyth.document.model import InputPort
from smyth.values import convert, expand, parse

_VAULT_REFERENCE = re.compile(r"\{\{KEY\(([^()]*)\)\}\}")


class Settings(base.Settings):
    """Where the endpoint is called, and what others are told of it."""

    endpoint: str = Field(
        pattern=r"^[a-zA-Z0-9_]+([-_][a-zA-Z0-9_]+)*$",
        max_length=50,
        description="Name of the skill: the path after /api/, and what models call.",
    )
    method: str = Field("POST", description="POST or GET; blank means POST.")
    label: str | None = Field("", alias="endpointLabel", max_length=100, description="Title of the skill.")
    description: str | None = Field("", max_length=5000, description="Tells models when and how to call the skill.")
    summary: str | None = Field("", max_length=1000, description="What the skill does, in short.")
    doc: str | None = Field("", max_length=1000, description="What the skill does, for people.")
    ai_exposed: bool | None = Field(True, description="Whether models may call the skill; requests always may.")
    status_message: str | None = Field("", max_length=240, description="Shown in a chat while the skill runs.")
    advanced: bool | None = Field(False, alias="advancedModeEnabled", description="Whether editors show all ports.")


class APIEndpoint(base.Component):
    """Give out the request; its inputs are the caller's parameters."""

    name = "APIEndpoint"
    title = "Agent Skill"
    summary = "Starts the workflow when the agent is called by API or by a model."
    Settings = Settings
    outputs = (
        Port("headers", "Object", "The request's headers, as sent and in lower case."),
        Port("body", "Object", "The request's body."),
        Port("query", "Object", "The request's query parameters."),
    )
    custom_inputs = True
    custom_outputs = True
    takes_request = True

    async def run(self, call: Call) -> dict[str, Any]:
        """See :meth:`smyth.components.base.Component.run`."""
        request = call.run.request
        headers = {name.lower(): value for name, value in request.headers.items()} | dict(request.headers)
        outputs = {output.name for output in call.node.outputs} | {output.expression for output in call.node.outputs}
        body: Any = _of_trigger(call) if call.run.triggered else request.body
        if body is None:
            body = {}
        if isinstance(body, dict):
            body = await _filled(body | _uploads(call), "body", call, outputs)
        query = await _filled({} if call.run.triggered else dict(request.query), "query", call, outputs)
        return {"headers": headers, "body": body, "query": query, "params": {}}


def _of_trigger(call: Call) -> dict[str, Any]:
    """Return what a trigger hands over in place of a body: its payload, under the inputs that it feeds by name."""
    payload = call.inputs.get(START_INPUT)
    given = {name: call.inputs[name] for name in call.received if name != START_INPUT}
    return (payload if isinstance(payload, dict) else {}) | given


def _uploads(call: Call) -> dict[str, Any]:
    """Return the uploaded files of the declared file inputs, each under the name of its field."""
    found: dict[str, Any] = {}
    names = {port.name for port in call.node.inputs if port.type.lower() in files.FILE_TYPES}
    for upload in call.run.request.files:
        name = upload.get("fieldname")
        if name in names:
            found.setdefault(name, []).append(upload)
    return {name: uploads[0] if len(uploads) == 1 else uploads for name, uploads in found.items()}


async def _filled(given: dict[str, Any], part: str, call: Call, outputs: set[str]) -> dict[str, Any]:
    """Return a part of the request with defaults, placeholders filled, and values of the declared types."""
    ports = call.node.inputs
    values = dict(given)
    for port in ports:
        if port.default_val is not None and f"{part}.{port.name}" in outputs and _is_missing(values.get(port.name)):
            values[port.name] = _default(port, values, call.run)
    types = {port.name: port.type for port in ports}
    return {name: await _value(name, value, types.get(name, ""), call.run) for name, value in values.items()}


def _is_missing(value: Any) -> bool:
    """Tell whether a default takes the place of ``value``: 0 and false are values (compat README, quirk 43)."""
    return value is None or (isinstance(value, str) and not value.strip()) or value in ([], {})


def _default(port: InputPort, values: dict[str, Any], run: Run) -> Any:
    """Return the default of ``port``; it may mention variables and the inputs that have a value already."""
    if not isinstance(port.default_val, str):
        return port.default_val
    passes = 5 if run.expand_caller_data else 1
    return expand(port.default_val, {**run.variables, **values}, passes=passes, secret=run.secret_variables)


async def _value(name: str, value: Any, type_name: str, run: Run) -> Any:
    value = _expanded(value, run)
    if files.concerns_files(value, type_name):
        return await files.convert(value, type_name, run, name=name)
    value = convert(value, type_name)
    if isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, str):
        value = _parsed(_expanded(value, run))
    return value


def _parsed(text: str) -> Any:
    """Read text that looks like a JSON object, whatever its declared type (compat README, quirk 38)."""
    stripped = text.strip()
    if not (stripped.startswith("{") and stripped.endswith("}")):
        return text
    found = parse(stripped)
    return found if isinstance(found, dict) else text


def _expanded(value: Any, run: Run) -> Any:
    """Fill agent variables into text from the caller, never those from the vault (compat README, quirk 22)."""
    if not run.expand_caller_data or not isinstance(value, str) or "{{" not in value:
        return value
    text = _VAULT_REFERENCE.sub(lambda found: run.team_id if found[1].strip() == "teamid" else "", value)
    public = {name: member for name, member in run.variables.items() if name not in run.secret_variables}
    return expand(text, public)
