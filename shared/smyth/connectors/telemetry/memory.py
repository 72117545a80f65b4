"""Telemetry kept in memory: tests, and whoever wants to look at a run in Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from smyth.connectors.telemetry.port import Span


@dataclass(slots=True)
class MemoryTelemetry:
    """Keeps every span, in the order in which the components ended, and every act of a guardrail."""

    spans: list[Span] = field(default_factory=list)
    #: What guardrails did, by agent.
    guardrails: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def ended(self, span: Span) -> None:
        """See :meth:`smyth.connectors.telemetry.port.Telemetry.ended`."""
        self.spans.append(span)

    def guarded(self, agent_id: str, action: Mapping[str, Any]) -> None:
        """See :meth:`smyth.connectors.telemetry.port.Telemetry.guarded`."""
        self.guardrails.append((agent_id, dict(action)))
