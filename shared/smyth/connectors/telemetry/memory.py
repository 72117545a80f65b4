"""Telemetry kept in memory: tests, and whoever wants to look at a run in Python."""

from __future__ import annotations

from dataclasses import dataclass, field

from smyth.connectors.telemetry.port import Span


@dataclass(slots=True)
class MemoryTelemetry:
    """Keeps every span, in the order in which the components ended."""

    spans: list[Span] = field(default_factory=list)

    def ended(self, span: Span) -> None:
        """See :meth:`smyth.connectors.telemetry.port.Telemetry.ended`."""
        self.spans.append(span)
