from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from smyth.components.ftimestamp import Settings, format_time
from smyth.connectors.ports import Ports


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, 1795435509282),
        ({"format": None}, 1795435509282),
        ({"format": "unix"}, 1795435509282),
        ({"format": "timestamp"}, 1795435509282),
        ({"format": "iso"}, "2026-11-23T12:05:09.282Z"),
        ({"format": "YYYY/MM/DD HH:mm:ss"}, "2026/11/23 12:05:09"),
        ({"format": "D/M/YY h:mm a"}, "23/11/26 12:05 pm"),
        ({"format": "HH:mm:ss.SSS"}, "12:05:09.282"),
        ({"format": "Z ZZ"}, "+00:00 +0000"),
        ({"format": "YYYY MMM DD, MMMM A"}, "2026 Nov 23, November PM"),
    ],
)
async def test_prints_the_time(outputs_of, data, expected):
    assert await outputs_of("FTimestamp", data, {"Trigger": 1}) == {"Timestamp": expected}


async def test_prints_utc_whatever_the_clock_says(outputs_of):
    clock = datetime(2026, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    outputs = await outputs_of("FTimestamp", {"format": "YYYY-MM-DD HH"}, {}, ports=Ports(clock=lambda: clock))
    assert outputs == {"Timestamp": "2025-12-31 23"}


@pytest.mark.parametrize("pattern", ["", "Do MMMM", "ISO", "###", "YYYY'", "%Y", "YYYY\x00"])
def test_refuses_what_is_no_pattern(pattern):
    with pytest.raises(ValidationError, match="Invalid format string"):
        Settings(format=pattern)


def test_counts_twelve_hours_twice():
    midnight = datetime(2026, 1, 1, 0, 0, tzinfo=UTC)
    assert [format_time(midnight + timedelta(hours=hour), "h A") for hour in (0, 1, 12, 13)] == [
        "12 AM", "1 AM", "12 PM", "1 PM",
    ]  # fmt: skip
