"""The parts of a plan: a document made ready to run.

A plan is made once per document and never changes, so any number of runs may share it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from smyth.components.base import Component as Kind
from smyth.document.model import Component, Document, OutputPort

#: Reads the value that a connection carries from its source's outputs; UNDEFINED sends nothing.
Getter = Callable[[dict[str, Any]], Any]


@dataclass(slots=True, eq=False)
class Edge:
    """A connection that can carry values."""

    source: Step
    target: Step
    output: OutputPort
    #: Name of the target's input.
    input: str
    value: Getter
    #: The target belongs to a loop and the source does not: every iteration sees the value.
    enters_loop: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class BrokenEdge:
    """A connection that leads nowhere; a value on it ends the run."""

    value: Getter
    problem: str


@dataclass(slots=True, eq=False)
class Loop:
    """What hangs on the loop output of a component, or runs in the background (ENGINE sections 9 and 10)."""

    #: The connections that lead into the body.
    edges: list[Edge]
    #: Every step that they lead to, at any distance.
    body: frozenset[Step] = frozenset()
    #: Required inputs in the body that only get values from outside it.
    needs: tuple[tuple[Step, str], ...] = ()


@dataclass(slots=True, eq=False)
class Step:
    """A component of the document, ready to run."""

    position: int
    node: Component
    #: None: nobody knows the component's name.
    kind: Kind | None
    settings: Any = None
    #: What is wrong with the settings; the component answers with it instead of running.
    settings_error: str = ""
    edges: list[Edge] = field(default_factory=list)
    broken: list[BrokenEdge] = field(default_factory=list)
    #: Its outputs are a result: nothing at all is connected to them, or it is a trigger.
    is_leaf: bool = True
    #: It only runs in the background branch it belongs to.
    background: bool = False
    #: Something is connected to ``_error``.
    handles_error: bool = False
    #: Inputs that must have a value first: connected, not optional, without a default (ENGINE section 4).
    required: tuple[str, ...] = ()
    defaults: tuple[tuple[str, Any], ...] = ()
    types: tuple[tuple[str, str], ...] = ()
    loop: Loop | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A document ready to run; make one with :func:`smyth.engine.compile`."""

    document: Document
    steps: tuple[Step, ...]
    #: The first component for each endpoint name and method.
    endpoints: dict[tuple[str, str], Step]
    #: The first trigger for each trigger endpoint name.
    triggers: dict[str, Step]
    agent_id: str
    team_id: str
