"""Telemetry as log lines, for functions: whatever reads their logs can follow a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from smyth.connectors.telemetry.port import Span

#: Lines for one request. A loop over thousands of items would cost more to log than to run.
MOST_SPANS = 500


class Logger(Protocol):
    """What both the standard logger and that of the functions can do."""

    def info(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Write a line with further members."""
        ...


class LogTelemetry:
    """Writes a line for each span of one request, up to :data:`MOST_SPANS`."""

    def __init__(self, logger: Logger, *, tenant_id: str) -> None:
        self._logger = logger
        self._tenant_id = tenant_id
        self._left = MOST_SPANS

    def ended(self, span: Span) -> None:
        """See :meth:`smyth.connectors.telemetry.port.Telemetry.ended`."""
        if self._left < 0:
            return
        if self._left:
            self._logger.info("component", extra=self._members(span))
        else:
            told = {"tenant_id": self._tenant_id, "agent_id": span.agent_id, "run_id": span.run_id}
            self._logger.info(f"the request ran more than {MOST_SPANS} components; no more are logged", extra=told)
        self._left -= 1

    def guarded(self, agent_id: str, action: Mapping[str, Any]) -> None:
        """See :meth:`smyth.connectors.telemetry.port.Telemetry.guarded`."""
        self._logger.info("guardrail", extra={"tenant_id": self._tenant_id, "agent_id": agent_id, **action})

    def _members(self, span: Span) -> dict[str, Any]:
        members: dict[str, Any] = {
            "tenant_id": self._tenant_id,
            "agent_id": span.agent_id,
            "run_id": span.run_id,
            "component_id": span.component_id,
            "component": span.component,
            "started": span.started.isoformat(timespec="milliseconds"),
            "ms": round(span.ms, 3),
            "input_bytes": span.input_bytes,
            "output_bytes": span.output_bytes,
        }
        if span.error:
            members["error"] = span.error
        if span.log:
            members["log"] = list(span.log)
        return members
