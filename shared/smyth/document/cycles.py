"""Cycles of connections: which are loops that work, and which can never start or never end.

A cycle is legal in the original when something in it decides to stop (a gate, a
mapped output that may be missing, an error branch); at most 100 runs of one
component are made (ENGINE section 3). Refused is what cannot be meant: a
component wired to itself (inert in the original), a cycle whose first member
waits for its last, and a cycle in which every member always feeds the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from smyth.document.catalog import ENTRIES
from smyth.document.findings import Finding
from smyth.document.model import Component, Document

#: Components whose built-in output always gets a value when they do not fail.
_ALWAYS_SEND = frozenset(
    {
        "APIEndpoint", "APIOutput", "FHash", "FEncDec", "FSign", "FTimestamp", "JSONFilter",
        "PromptGenerator", "LLMPrompt", "GenAILLM", "VisionLLM", "MultimodalLLM", "LLMAssistant",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wire:
    """A connection whose ends exist."""

    number: int
    source: Component
    output: int
    target: Component
    #: Position of the input; -1 for a control connection.
    input: int


def cycle_findings(document: Document, wires: list[Wire]) -> Iterator[Finding]:
    """Yield an error for each cycle that can not start or not end, a warning for each other."""
    between: list[Wire] = []
    for wire in wires:
        if wire.source.id == wire.target.id:
            told = f'Connection {wire.number} wires component "{wire.source.id}" to itself. Remove it.'
            port = wire.target.inputs[wire.input].name if wire.input >= 0 else None
            place = f"connections[{wire.number}]"
            yield Finding("error", "self_connection", told, place, wire.source.id, port, wire.number)
        else:
            between.append(wire)
    can_run, awaited = _can_run(document, between), _awaited(between)
    cycles = _cycles(between)
    cycle_of = {member: number for number, members in enumerate(cycles) for member in members}
    wires_of: list[list[Wire]] = [[] for _ in cycles]
    for wire in between:
        number = cycle_of.get(wire.source.id)
        if number is not None and number == cycle_of.get(wire.target.id):
            wires_of[number].append(wire)
    for members, inside in zip(cycles, wires_of, strict=True):
        names = ", ".join(f'"{member}"' for member in sorted(members)[:6]) + (", ..." if len(members) > 6 else "")
        place = f"connections[{inside[0].number}]"
        if not members & can_run:
            told = f"The components {names} wait for each other, so none of them ever runs. Break the cycle."
            yield Finding("error", "cycle_never_starts", told, place, min(members), None, inside[0].number)
        elif _cycles(wire for wire in inside if _runs_target(wire, awaited)):
            told = f"The components {names} feed each other without end. Break the cycle or put a condition into it."
            yield Finding("error", "cycle_never_ends", told, place, min(members), None, inside[0].number)
        else:
            told = f"The components {names} form a loop; a run is ended when one of them has run 100 times."
            yield Finding("warning", "cycle", told, place, min(members), None, inside[0].number)


def _required(component: Component, position: int) -> bool:
    return position >= 0 and not component.inputs[position].optional


def _can_run(document: Document, wires: list[Wire]) -> set[str]:
    """Return the components that some run can reach.

    An entry can run; so can a component that has something sent to it and every
    connected required input fed by one that can (ENGINE section 4).
    """
    missing = _awaited(wires)
    outgoing: dict[str, list[Wire]] = {}
    for wire in wires:
        outgoing.setdefault(wire.source.id, []).append(wire)
    reached = {component.id for component in document.components if component.name in ENTRIES}
    queue = list(reached)
    while queue:
        for wire in outgoing.get(queue.pop(), ()):
            missing.get(wire.target.id, set()).discard(wire.input)
            if wire.target.id not in reached and not missing.get(wire.target.id):
                reached.add(wire.target.id)
                queue.append(wire.target.id)
    return reached


def _awaited(wires: list[Wire]) -> dict[str, set[int]]:
    """Return the connected required inputs of each component."""
    awaited: dict[str, set[int]] = {}
    for wire in wires:
        if _required(wire.target, wire.input):
            awaited.setdefault(wire.target.id, set()).add(wire.input)
    return awaited


def _runs_target(wire: Wire, awaited: dict[str, set[int]]) -> bool:
    """Tell whether every good run of the source is enough to run the target again."""
    if wire.source.name not in _ALWAYS_SEND:
        return False
    if not wire.source.outputs[wire.output].default and wire.source.name != "APIEndpoint":
        return False
    return not awaited.get(wire.target.id, set()) - {wire.input}


def _cycles(wires: Iterable[Wire]) -> list[set[str]]:
    """Return the strongly connected sets of two components or more (Kosaraju's algorithm, without recursion)."""
    forward: dict[str, list[str]] = {}
    backward: dict[str, list[str]] = {}
    for wire in wires:
        forward.setdefault(wire.source.id, []).append(wire.target.id)
        backward.setdefault(wire.target.id, []).append(wire.source.id)
    order: list[str] = []
    seen: set[str] = set()
    for start in forward:
        _finish(start, forward, seen, order)
    found: list[set[str]] = []
    seen = set()
    for start in reversed(order):
        members: list[str] = []
        _finish(start, backward, seen, members)
        if len(members) > 1:
            found.append(set(members))
    return found


def _finish(start: str, edges: dict[str, list[str]], seen: set[str], order: list[str]) -> None:
    """Walk depth first from ``start`` and append each new component once all it leads to are done."""
    if start in seen:
        return
    seen.add(start)
    stack = [(start, iter(edges.get(start, ())))]
    while stack:
        node, following = stack[-1]
        for successor in following:
            if successor not in seen:
                seen.add(successor)
                stack.append((successor, iter(edges.get(successor, ()))))
                break
        else:
            stack.pop()
            order.append(node)
