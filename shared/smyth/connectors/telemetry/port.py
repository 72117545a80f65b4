"""The telemetry port: one span for each component that a run executed, and what guardrails did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Span:
    """One execution of one component. Its texts hold no secrets: the engine took them out."""

    #: The same for all spans of a run; a run that an agent starts in another agent has its own.
    run_id: str
    agent_id: str
    component_id: str
    #: The registry name, such as ``APICall``.
    component: str
    #: UTC, by the clock of the run.
    started: datetime
    ms: float
    #: About how long the values are in JSON; for what arrived and what was put out.
    input_bytes: int
    output_bytes: int
    #: Empty after a good end.
    error: str = ""
    #: What the component wrote by :meth:`smyth.components.base.Call.log`, such as a script's ``console.log``.
    log: tuple[str, ...] = ()


class Telemetry(Protocol):
    """Listens to runs and turns."""

    def ended(self, span: Span) -> None:
        """Take the span of a component that has just ended.

        Called inside the run: it must neither wait nor raise.
        """
        ...

    def guarded(self, agent_id: str, action: Mapping[str, Any]) -> None:
        """Take what a guardrail of an agent did: ``stage``, ``rule``, ``action``, ``count``. As :meth:`ended`."""
        ...
