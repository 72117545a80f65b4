"""Whether a document makes sense: ids, names, wires and cycles."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal

from smyth.document.catalog import CATALOG, ENTRIES, TRIGGERS
from smyth.document.cycles import Wire, cycle_findings
from smyth.document.findings import MAX_FINDINGS, Finding
from smyth.document.guardrails import guardrail_findings
from smyth.document.memory import memory_findings
from smyth.document.model import Component, Connection, Document, InputPort, OutputPort
from smyth.document.resolve import CONTROL, position

_ENDPOINT = re.compile(r"[a-zA-Z0-9_]+([-_][a-zA-Z0-9_]+)*")


def validate(document: Document, known: Callable[[str], bool]) -> list[Finding]:
    """Return what is wrong or odd, errors first.

    Args:
        document: As :func:`smyth.document.load` gives it.
        known: Tells whether a component name can be run. A name that only the original
            has is a warning, a name that nobody has is an error.
    """
    found = [
        *_components(document, known),
        *_endpoints(document),
        *guardrail_findings(document),
        *memory_findings(document),
    ]
    wires: list[Wire] = []
    for number, connection in enumerate(document.connections):
        checked = _connection(document, number, connection)
        if isinstance(checked, Wire):
            wires.append(checked)
        else:
            found.extend(checked)
    found.extend(cycle_findings(document, wires))
    return sorted(found, key=lambda finding: finding.level == "warning")[:MAX_FINDINGS]


def _components(document: Document, known: Callable[[str], bool]) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for number, component in enumerate(document.components):
        path = f"components[{number}]"
        if component.id in seen:
            told = (
                f'components[{seen[component.id]}] and {path} both have the id "{component.id}". Give each its own id.'
            )
            yield Finding("error", "duplicate_id", told, f"{path}.id", component.id)
        seen.setdefault(component.id, number)
        if known(component.name):
            continue
        if component.name in CATALOG:
            told = f'Component "{component.id}" ({component.name}) is not run by this version yet.'
            yield Finding("warning", "component_not_run_yet", told, f"{path}.name", component.id)
        else:
            told = f'Component "{component.id}" has the unknown name "{component.name}". Correct the name or remove it.'
            yield Finding("error", "unknown_component", told, f"{path}.name", component.id)


def _endpoints(document: Document) -> Iterator[Finding]:
    seen: dict[tuple[str, str], str] = {}
    for number, component in enumerate(document.components):
        if component.name != "APIEndpoint":
            continue
        endpoint, method = component.data.get("endpoint"), component.data.get("method") or "POST"
        path = f"components[{number}].data.endpoint"
        if not isinstance(endpoint, str) or not _ENDPOINT.fullmatch(endpoint):
            told = (
                f'Endpoint "{component.id}" cannot be called: data.endpoint must be letters, digits, "_" and "-", '
                f"not {endpoint!r:.80}."
            )
            yield Finding("warning", "endpoint_name", told, path, component.id)
            continue
        first = seen.setdefault((endpoint, str(method)), component.id)
        if first != component.id:
            told = f'"{first}" and "{component.id}" both answer {method} {endpoint}; only the first is ever called.'
            yield Finding("warning", "duplicate_endpoint", told, path, component.id)
    if not any(component.name in ENTRIES for component in document.components):
        told = "The agent has no APIEndpoint, so it has no skill to call. Chat and prompt work."
        yield Finding("warning", "no_endpoint", told)


def _connection(document: Document, number: int, connection: Connection) -> Wire | list[Finding]:
    """Return the wire that ``connection`` means, or what is wrong with it."""
    source, target = document.by_id.get(connection.source_id), document.by_id.get(connection.target_id)
    found: list[Finding] = []
    for side, identity, component in (
        ("source", connection.source_id, source),
        ("target", connection.target_id, target),
    ):
        if component is None:
            told = f'Connection {number} has the {side} "{identity}", but no component has this id. Remove or mend it.'
            path = f"connections[{number}].{side}Id"
            found.append(Finding("error", "dangling_connection", told, path, identity, None, number))
    output = position(source.outputs, connection.source_index) if source else None
    if source is not None and output is None:
        found.append(_unknown_port(number, "source", source, connection.source_index, source.outputs))
    entry = position(target.inputs, connection.target_index) if target else None
    if target is not None and entry is None:
        if _is_control(source, target, connection.target_index):
            entry = CONTROL
        else:
            found.append(_unknown_port(number, "target", target, connection.target_index, target.inputs))
    if found or source is None or target is None or output is None or entry is None:
        return found
    return Wire(number, source, output, target, entry)


def _is_control(source: Component | None, target: Component, index: int | str) -> bool:
    return index == CONTROL and target.name == "APIEndpoint" and (source is None or source.name in TRIGGERS)


def _unknown_port(
    number: int,
    side: Literal["source", "target"],
    component: Component,
    index: int | str,
    ports: list[InputPort] | list[OutputPort],
) -> Finding:
    kind = "output" if side == "source" else "input"
    named = f'named "{index}"' if isinstance(index, str) else f"number {index}"
    names = ", ".join(f'"{port.name}"' for port in ports[:12]) or "none"
    told = (
        f'Connection {number} names an {kind} {named} of component "{component.id}" ({component.name}), '
        f"which has no such {kind}. Its {kind}s are: {names}."
    )
    return Finding(
        "error", "unknown_port", told, f"connections[{number}].{side}Index", component.id, str(index), number
    )
