"""Make a plan of a document: settings checked, ports resolved, wires turned into getters."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from smyth.components import registry
from smyth.components.base import START_INPUT
from smyth.components.base import Component as Kind
from smyth.document.model import Component, Connection, Document, InputPort, OutputPort
from smyth.document.resolve import CONTROL, position
from smyth.engine.loops import add_loops
from smyth.engine.plan import BrokenEdge, Edge, Getter, Plan, Step
from smyth.values import UNDEFINED, get_path

DEFAULT_TEAM = "default"


def compile(document: Document) -> Plan:
    """Make the plan of a document. Whatever is wrong in it shows when a run gets there."""
    steps: dict[str, Step] = {}
    for node in document.components:
        if node.id not in steps:
            steps[node.id] = _step(len(steps), node)
    for connection in document.connections:
        source = steps.get(connection.source_id)
        if source is not None:
            _connect(source, steps.get(connection.target_id), connection)
    connected = _connected_inputs(document, steps)
    for step in steps.values():
        _add_inputs(step, connected)
    add_loops(list(steps.values()))
    endpoints: dict[tuple[str, str], Step] = {}
    triggers: dict[str, Step] = {}
    for step in steps.values():
        data = step.node.data
        if step.kind is not None and step.kind.takes_request:
            endpoints.setdefault((str(data.get("endpoint")), str(data.get("method") or "POST").upper()), step)
        if step.kind is not None and step.kind.is_trigger:
            step.is_leaf = True
            triggers.setdefault(str(data.get("triggerEndpoint")), step)
    return Plan(
        document, tuple(steps.values()), endpoints, triggers, document.id or "", document.team_id or DEFAULT_TEAM
    )


def _step(number: int, node: Component) -> Step:
    try:
        kind = registry.find(node.name)
    except registry.UnknownComponent:
        return Step(number, node, None)
    step = Step(number, node, kind)
    try:
        step.settings = kind.Settings.model_validate(node.data)
    except ValidationError as error:
        _take_invalid_settings(step, kind, error)
    return step


def _take_invalid_settings(step: Step, kind: Kind, error: ValidationError) -> None:
    """Refuse the settings, except where only component-template values are at fault (COMPONENTS section 0)."""
    node = step.node
    templated = node.data.get("_templateVars")
    names = templated if isinstance(templated, dict) else {}
    problems = [problem for problem in error.errors(include_url=False) if (problem["loc"] or ("",))[0] not in names]
    if not problems:
        step.settings = kind.Settings.model_construct(**node.data)
        return
    told = "; ".join(f'"{".".join(map(str, problem["loc"]))}": {problem["msg"]}' for problem in problems)
    step.settings_error = f"Schema Validation error: {told} on component {node.display_name}:{node.title}"


def _connect(source: Step, target: Step | None, connection: Connection) -> None:
    source.is_leaf = False
    place = position(source.node.outputs, connection.source_index)
    if place is None:
        return
    port = source.node.outputs[place]
    value = _getter(source.node.outputs, port)
    if connection.target_index == CONTROL:
        if target is not None and target.kind is not None and target.kind.takes_request:
            source.edges.append(Edge(source, target, port, START_INPUT, value))
        return
    if port.name == "_error":
        source.handles_error = True
    if target is None:
        source.broken.append(
            BrokenEdge(
                value,
                f'Output "{port.name}" of component "{source.node.id}" is connected to "{connection.target_id}", '
                "but no component has this id. Remove the connection.",
            )
        )
        return
    entry = position(target.node.inputs, connection.target_index)
    if entry is None:
        source.broken.append(
            BrokenEdge(
                value,
                f'Output "{port.name}" of component "{source.node.id}" is connected to input '
                f'{connection.target_index!r} of "{target.node.id}" ({target.node.name}), which has no such input. '
                "Mend the connection.",
            )
        )
    elif target is not source:  # a connection to itself does nothing (compat README, quirk 12)
        source.edges.append(Edge(source, target, port, target.node.inputs[entry].name, value))


def _getter(outputs: list[OutputPort], port: OutputPort) -> Getter:
    """Return how to read the value of ``port`` (ENGINE section 4.1)."""
    name, path = port.name, port.expression or port.name
    if port.default or name == "_error":
        return lambda outputs: outputs.get(name, UNDEFINED)
    first = next((output.name for output in outputs if output.default), None)

    def custom(outputs: dict[str, Any]) -> Any:
        holder = outputs.get(first) if first is not None else None
        if isinstance(holder, dict):
            if name in holder:
                return holder[name]
        elif holder is not None:
            inside = get_path(holder, name)
            if inside is not UNDEFINED:
                return inside
        return get_path(outputs, path)

    return custom


def _connected_inputs(document: Document, steps: dict[str, Step]) -> set[tuple[Step, str]]:
    """Return the inputs that have a connection from a component of the document."""
    connected: set[tuple[Step, str]] = set()
    for connection in document.connections:
        target = steps.get(connection.target_id)
        if target is not None and connection.source_id in steps:
            place = position(target.node.inputs, connection.target_index)
            if place is not None:
                connected.add((target, target.node.inputs[place].name))
    return connected


def _add_inputs(step: Step, connected: set[tuple[Step, str]]) -> None:
    ports = step.node.inputs
    step.required = tuple(
        dict.fromkeys(
            port.name
            for port in ports
            if not port.optional and not _has_default(port) and (step, port.name) in connected
        )
    )
    if step.kind is None or step.kind.takes_request:
        return
    step.defaults = tuple((port.name, port.default_val) for port in ports if _has_default(port))
    step.types = tuple((port.name, port.type) for port in ports if port.type.lower() != "any")


def _has_default(port: InputPort) -> bool:
    return port.default_val is not None and port.default_val != ""
