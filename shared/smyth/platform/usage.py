"""What a tenant used, from the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from smyth.platform.errors import Invalid
from smyth.platform.metering import Entry, Metering, month_of
from smyth.platform.money import usd
from smyth.platform.times import rfc3339

GroupBy = Literal["agent", "key", "model", "route", "day"]

_MAX_DAYS = 366
_READERS = 8


def report(
    metering: Metering,
    tenant_id: str,
    *,
    plan_name: str,
    limits: dict[str, int | None],
    now: datetime,
    start: datetime | None,
    end: datetime | None,
    group_by: GroupBy,
) -> dict[str, Any]:
    """Return what was used between ``start`` and ``end``, this month unless told, and what is left of the plan.

    Requests still at work count, without cost yet; those given back do not.

    Raises:
        Invalid: The period ends before it begins, or is too long.
    """
    month_start, month_end = month_of(now)
    start, end = start or month_start, end or (month_end if start is None or start < month_end else now)
    if not start < end or end - start > timedelta(days=_MAX_DAYS):
        raise Invalid(f'"from" must lie before "to", and at most {_MAX_DAYS} days before.')
    entries = [entry for entry in _entries(metering, tenant_id, start, min(end, now)) if entry.status != "released"]
    plan, granted = metering.terms(plan_name, limits)
    limit = granted.requests_per_month
    used = len(entries) if limit is None else metering.counted(tenant_id, plan, now)
    return {
        "period": {"start": rfc3339(start), "end": rfc3339(end)},
        "plan": plan.name,
        "requests": {"limit": limit, "used": used, "remaining": None if limit is None else max(0, limit - used)},
        "cost": usd(sum(entry.price for entry in entries)),
        "currency": "USD",
        "items": _groups(entries, group_by),
    }


def moment(text: str | None, *, closing: bool = False) -> datetime | None:
    """Read a day or a time in UTC; a day that closes a period belongs to it.

    Raises:
        Invalid: It is neither.
    """
    if not text:
        return None
    try:
        if len(text) == len("2026-01-31"):
            day = date.fromisoformat(text) + timedelta(days=closing)
            return datetime.combine(day, time(), UTC)
        read = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise Invalid('"from" and "to" are days such as 2026-01-31 or times such as 2026-01-31T12:00:00Z.') from None
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)


def _entries(metering: Metering, tenant_id: str, start: datetime, end: datetime) -> Iterable[Entry]:
    """Yield the entries of a period, several days read at once."""
    days = [start.date() + timedelta(days=number) for number in range((end.date() - start.date()).days + 1)]
    with ThreadPoolExecutor(_READERS) as readers:
        for found in readers.map(lambda day: list(metering.store.entries(tenant_id, day)), days):
            yield from (entry for entry in found if start <= entry.at < end)


def _groups(entries: list[Entry], group_by: GroupBy) -> list[dict[str, Any]]:
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(_group(entry, group_by), []).append(entry)
    return [
        {
            group_by: name or None,
            "requests": len(group),
            "input_tokens": sum(entry.input_tokens for entry in group),
            "output_tokens": sum(entry.output_tokens for entry in group),
            "cached_tokens": sum(entry.cached_tokens for entry in group),
            "provider_cost": usd(sum(entry.provider_cost for entry in group)),
            "cost": usd(sum(entry.price for entry in group)),
        }
        for name, group in sorted(groups.items())
    ]


def _group(entry: Entry, group_by: GroupBy) -> str:
    match group_by:
        case "agent":
            return entry.agent_id
        case "key":
            return entry.key_id
        case "model":
            return entry.model
        case "route":
            return entry.route
        case "day":
            return str(entry.day)
