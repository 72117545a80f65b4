"""Times as the product writes them: UTC, RFC 3339, text that sorts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

#: Injected where time decides something, so that tests can set it.
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time, aware and in UTC."""
    return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """Return ``moment`` as ``2026-01-02T03:04:05.678Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
