"""Spans as log lines."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from smyth.connectors.telemetry.log import MOST_SPANS, LogTelemetry
from smyth.connectors.telemetry.port import Span

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)


def test_a_request_with_very_many_components_is_logged_up_to_a_bound() -> None:
    lines: list[tuple[object, dict[str, Any]]] = []

    class Lines:
        def info(self, msg: object, *, extra: Any) -> None:
            lines.append((msg, dict(extra)))

    telemetry = LogTelemetry(Lines(), tenant_id="ten-1")
    for _ in range(MOST_SPANS + 100):
        telemetry.ended(Span("run", "agt-1", "K", "JSONFilter", NOON, 1.23456, 10, 20))
    assert len(lines) == MOST_SPANS + 1
    assert lines[0] == (
        "component",
        {
            "tenant_id": "ten-1",
            "agent_id": "agt-1",
            "run_id": "run",
            "component_id": "K",
            "component": "JSONFilter",
            "started": "2025-01-01T12:00:00.000+00:00",
            "ms": 1.235,
            "input_bytes": 10,
            "output_bytes": 20,
        },
    )
    assert "no more are logged" in str(lines[-1][0])


def test_the_standard_logger_takes_every_member(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    telemetry = LogTelemetry(logging.getLogger("any"), tenant_id="ten-1")
    telemetry.ended(Span("run", "agt-1", "K", "JSONFilter", NOON, 1.0, 10, 20, "It is broken.", ("one", "two")))
    [record] = caplog.records
    assert record.__dict__["error"] == "It is broken."
    assert record.__dict__["log"] == ["one", "two"]
