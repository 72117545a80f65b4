"""Periods that something is counted in: days and months where the tenant lives, and minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Period = Literal["day", "month", "total"]


def month_of(now: datetime, time_zone: str = "UTC") -> tuple[datetime, datetime]:
    """Return when the month of ``now`` in a time zone began and when it ends, in UTC."""
    start = now.astimezone(ZoneInfo(time_zone)).replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    end = (start + timedelta(days=32)).replace(day=1)
    return start.astimezone(UTC), end.astimezone(UTC)


def period_name(period: Period, now: datetime, time_zone: str = "UTC") -> str:
    """Return what the period of ``now`` is called: ``2026-05-31``, ``2026-05`` or ``total``."""
    if period == "total":
        return "total"
    local = now.astimezone(ZoneInfo(time_zone))
    return f"{local:%Y-%m-%d}" if period == "day" else f"{local:%Y-%m}"


def renews_at(period: Period, now: datetime, time_zone: str = "UTC") -> datetime | None:
    """Return when the next period begins, in UTC; None where there is none."""
    if period == "total":
        return None
    if period == "month":
        return month_of(now, time_zone)[1]
    midnight = now.astimezone(ZoneInfo(time_zone)).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return (midnight + timedelta(days=1)).astimezone(UTC)


def seconds_until(end: datetime, now: datetime) -> int:
    """Return how many whole seconds to wait until ``end`` has passed."""
    return int((end - now).total_seconds()) + 1


def next_minute(now: datetime) -> datetime:
    """Return when the minute of ``now`` ends."""
    return now.replace(second=0, microsecond=0) + timedelta(minutes=1)
