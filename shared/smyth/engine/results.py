"""What the caller gets (ENGINE section 7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from smyth.engine.frame import Frame, Values
from smyth.engine.plan import Step

if TYPE_CHECKING:
    from smyth.connectors.models.port import Usage

_NEVER_SHOWN = ("_debug", "_debug_time")


@dataclass(frozen=True, slots=True)
class RunResult:
    """The end of a run."""

    data: Any
    #: Only where the request never reached the agent's workflow.
    status: int | None = None
    #: One entry per provider request.
    usage: list[Usage] = field(default_factory=list)
    #: The run was ended before its workflow was: a limit, a wire that leads nowhere, an unknown component.
    failed: bool = False

    def answer(self) -> dict[str, Any]:
        """Return what the original's ``AgentProcess.run`` returns."""
        return {"data": self.data} if self.status is None else {"status": self.status, "data": self.data}


def results(frame: Frame) -> list[Any]:
    """Return the entries of a frame: leaves, then unhandled errors, the first of each component."""
    seen: set[Step] = set()
    found: list[Any] = []
    for step, outputs in (*frame.leaves, *frame.failures):
        if step not in seen:
            seen.add(step)
            found.append(_entry(step, outputs))
    return found


def _entry(step: Step, outputs: Values) -> Any:
    result = {name: value for name, value in outputs.items() if name not in _NEVER_SHOWN}
    if "_error" in result and not result["_error"]:
        del result["_error"]
    entry = {"id": step.node.id, "name": step.node.name, "result": result}
    if step.kind is None or step.settings_error:
        return entry
    return step.kind.post_process(entry, step.settings)


def data(entries: list[Any]) -> Any:
    """Return one entry bare and several as a list; none is an empty list (compat README, quirk 1)."""
    return entries[0] if len(entries) == 1 else entries
