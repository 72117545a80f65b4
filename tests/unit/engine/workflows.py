"""Small agents for tests: components by a line each, wires as ``"A.out > B.in"``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smyth.components.base import Request
from smyth.document import load
from smyth.engine import Limits, Plan, RunResult, compile, run

Part = dict[str, Any]


def part(
    identity: str,
    name: str,
    data: Mapping[str, Any] | None = None,
    *,
    inputs: tuple[str | dict[str, Any], ...] = (),
    outputs: tuple[str | dict[str, Any], ...] = (),
    **members: Any,
) -> Part:
    """A component; an input ``"x?"`` is optional, an output ``"x!"`` is built in."""
    return {
        "id": identity,
        "name": name,
        "data": dict(data or {}),
        "inputs": [_input(port) for port in inputs],
        "outputs": [_output(port) for port in outputs],
        **members,
    }


def _input(port: str | dict[str, Any]) -> dict[str, Any]:
    if isinstance(port, dict):
        return port
    return {"name": port.rstrip("?"), "type": "Any", "optional": port.endswith("?")}


def _output(port: str | dict[str, Any]) -> dict[str, Any]:
    return port if isinstance(port, dict) else {"name": port.rstrip("!"), "default": port.endswith("!")}


def endpoint(*parameters: str | dict[str, Any], method: str = "POST", name: str = "go", identity: str = "E") -> Part:
    """An endpoint with one output for each parameter."""
    names = [port if isinstance(port, str) else port["name"] for port in parameters]
    where = "query" if method == "GET" else "body"
    outputs = ("headers!", "body!", "query!", *(f"{where}.{port.rstrip('?')}" for port in names))
    data = {"endpoint": name, "method": method}
    return part(identity, "APIEndpoint", data, inputs=parameters, outputs=outputs)


def output(*inputs: str | dict[str, Any], form: str = "minimal", identity: str = "O", **data: Any) -> Part:
    """An APIOutput."""
    return part(identity, "APIOutput", {"format": form, **data}, inputs=inputs, outputs=("Output!",))


def keep(identity: str, fields: str = "", *, type: str = "Any", error: bool = False) -> Part:
    """A JSONFilter, which passes anything but objects as it is."""
    outputs = ("Output!", "_error") if error else ("Output!",)
    return part(identity, "JSONFilter", {"fields": fields}, inputs=({"name": "Input", "type": type},), outputs=outputs)


def encode(identity: str, *, type: str = "Any") -> Part:
    """Text to hexadecimal digits."""
    data = {"action": "Encode", "encoding": "hex"}
    return part(identity, "FEncDec", data, inputs=({"name": "Data", "type": type},), outputs=("Output!",))


def loop(identity: str = "L", form: str = "results-array", *outputs: str, **data: Any) -> Part:
    """A ForEach."""
    return part(
        identity, "ForEach", {"format": form, **data}, inputs=("Input",), outputs=("Loop!", "Result!", *outputs)
    )


def document(*parts: Part, wires: tuple[str, ...] = (), **members: Any) -> dict[str, Any]:
    """A document; ``wires`` are ``"A.out > B.in"``, where ``out`` may hold dots."""
    connections = []
    for wire in wires:
        source, target = wire.split(" > ")
        source_id, source_port = source.split(".", 1)
        target_id, target_port = target.split(".", 1)
        connections.append(
            {"sourceId": source_id, "sourceIndex": source_port, "targetId": target_id, "targetIndex": target_port}
        )
    return {"version": "1.0.0", "id": "agent", "components": list(parts), "connections": connections, **members}


def plan(*parts: Part, wires: tuple[str, ...] = (), **members: Any) -> Plan:
    """A compiled document."""
    return compile(load(document(*parts, wires=wires, **members)))


async def call(
    compiled: Plan, body: Any = None, path: str = "/api/go", *, limits: Limits | None = None, **options: Any
) -> Any:
    """The answer's data."""
    return (await ask(compiled, body, path, limits=limits, **options)).data


async def ask(
    compiled: Plan,
    body: Any = None,
    path: str = "/api/go",
    *,
    method: str = "POST",
    query: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    **options: Any,
) -> RunResult:
    """The result of one request."""
    return await run(compiled, Request(method, path, headers or {}, query or {}, body), **options)
