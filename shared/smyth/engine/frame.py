"""The state of one pass over a graph: a whole run, one iteration of a loop, or one background branch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from smyth.engine.inputs import merge
from smyth.engine.limits import CIRCULAR_LIMIT, RunError
from smyth.engine.plan import Edge, Step
from smyth.values import UNDEFINED

Values = dict[str, Any]


class Frame:
    """Which components wait with what, how often they ran, and what came out."""

    __slots__ = ("_branch", "_outside", "_waiting", "depth", "failures", "kept", "leaves", "loop", "runs")

    def __init__(self, parent: Frame | None = None, loop: Step | None = None) -> None:
        self.loop = loop
        #: The steps of the background branch that this frame belongs to.
        self._branch: frozenset[Step] = parent._branch if parent else frozenset()
        if loop is not None and loop.loop is not None and loop.kind is not None and loop.kind.background:
            self._branch = loop.loop.body
        self.depth: int = parent.depth + 1 if parent else 0
        #: Values from outside for the components of this loop: there again in every iteration.
        self._outside: dict[Step, Values] = parent.kept if parent else {}
        #: The same for the loops that run inside this frame.
        self.kept: dict[Step, Values] = self._outside
        self._waiting: dict[Step, Values] = {}
        self.runs: dict[Step, int] = {}
        #: Outputs that are results (ENGINE section 7), in order.
        self.leaves: list[tuple[Step, Values]] = []
        #: Outputs of failed components whose error nobody handles.
        self.failures: list[tuple[Step, Values]] = []

    @classmethod
    def of_nested_run(cls, caller: Frame) -> Frame:
        """Return the frame of a run that a component of ``caller`` asked for: it counts on (ENGINE section 3)."""
        frame = cls()
        frame.depth = caller.depth + 1
        frame.runs = caller.runs
        return frame

    def activate(self, step: Step) -> Values:
        """Make ``step`` take part in the next cycle; return the values that wait for it."""
        values = self._waiting.get(step)
        if values is None:
            values = self._waiting[step] = dict(self._outside.get(step, ()))
        return values

    def send(self, edges: Iterable[Edge], outputs: Values) -> None:
        """Send what ``outputs`` has for each connection, and activate the targets."""
        for edge in edges:
            value = edge.value(outputs)
            if value is UNDEFINED:
                continue
            if not edge.target.background or edge.target in self._branch:
                merge(self.activate(edge.target), edge.input, value)
            if edge.enters_loop:
                values = dict(self.kept.get(edge.target, ()))
                merge(values, edge.input, value)
                if self.kept is self._outside:
                    self.kept = dict(self._outside)
                self.kept[edge.target] = values

    def take_ready(self) -> list[tuple[Step, Values]]:
        """Return the components that can run now, in the document's order, with what arrived for them.

        A loop whose body still needs values from outside waits as long as anything else can run.

        Raises:
            RunError: One of them has run too often.
        """
        ready = [step for step, values in self._waiting.items() if all(name in values for name in step.required)]
        if len(ready) > 1:
            ready = [step for step in ready if not self._lacks(step)] or ready
            ready.sort(key=lambda step: step.position)
        for step in ready:
            runs = self.runs[step] = self.runs.get(step, 0) + 1
            if runs > CIRCULAR_LIMIT:
                raise RunError(
                    f"Circular Calls Limit Reached on {step.node.id}. Current circular limit is {CIRCULAR_LIMIT}"
                )
        return [(step, self._waiting.pop(step)) for step in ready]

    def _lacks(self, step: Step) -> bool:
        loop = step.loop
        return loop is not None and any(name not in self.kept.get(needy, ()) for needy, name in loop.needs)

    def finish(self, step: Step, outputs: Values) -> None:
        """Keep what ``step`` put out if it is a result or an error that nobody handles."""
        if step.is_leaf or (self.loop is not None and _has_open_result(step)):
            self.leaves.append((step, outputs))
        elif outputs.get("_error") and not step.handles_error:
            self.failures.append((step, outputs))

    def deliver(self, step: Step, outputs: Values) -> None:
        """Send what ``step`` put out to its successors.

        Raises:
            RunError: A value goes into a connection that leads nowhere.
        """
        for broken in step.broken:
            if broken.value(outputs) is not UNDEFINED:
                raise RunError(broken.problem, id=step.node.id, name=step.node.name)
        if step.loop is not None and step.kind is not None and step.kind.loop_output in outputs:
            self.send(step.loop.edges, outputs)  # a trigger with one payload runs what is behind it once
        self.send(step.edges, outputs)


def _has_open_result(step: Step) -> bool:
    """Tell whether ``step`` is a loop whose result goes nowhere; inside another loop that makes it a result."""
    return step.loop is not None and all(edge.output.name == "_error" for edge in step.edges)
