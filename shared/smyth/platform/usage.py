"""What a tenant used: the roll-ups of closed days, and the ledger's entries of the others."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from ulid import ULID

from smyth.platform.errors import Invalid
from smyth.platform.metering import Metering
from smyth.platform.money import usd
from smyth.platform.periods import month_of
from smyth.platform.rollups import Ledger, RollupStore, Row, beginning, rows_of
from smyth.platform.times import Clock, rfc3339, utc_now

GroupBy = Literal["agent", "key", "model", "route", "day"]

_DAY = timedelta(days=1)
_MAX_DAYS = 366
_READERS = 8
#: Longer than any request waits to be admitted.
_BEFORE_ADMISSION = timedelta(minutes=20)
_TIME_OF_ID = 10
_MEMBERS: dict[GroupBy, str] = {
    "agent": "agent_id",
    "key": "key_id",
    "model": "model",
    "route": "route",
    "day": "day",
}


class Usage:
    """Reads what tenants used."""

    def __init__(self, ledger: Ledger, rollups: RollupStore, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._rollups = rollups
        self._now = clock

    def rows(self, tenant_id: str, start: datetime, end: datetime) -> list[Row]:
        """Return what was used from ``start`` up to, not including, ``end``.

        Whole days come from their roll-ups where they have one; the rest, such as the days that a period in
        another time zone cuts, from the ledger. Requests still at work count, without cost yet.
        """
        end = min(end, self._now() + _DAY)
        if start >= end:
            return []
        first, last = start.astimezone(UTC).date(), (end - timedelta.resolution).astimezone(UTC).date()
        days = [first + number * _DAY for number in range((last - first).days + 1)]
        whole = [day for day in days if start <= beginning(day) and beginning(day + _DAY) <= end]
        rolled = self._rollups.between(tenant_id, whole[0], whole[-1]) if whole else {}
        live = [day for day in days if day not in rolled]
        rows = [row for day in whole if day in rolled for row in rolled[day]]
        return rows + list(self._live(tenant_id, live, start, end))

    def _live(self, tenant_id: str, days: list[date], start: datetime, end: datetime) -> Iterable[Row]:
        """Yield the rows of days as the ledger has them, several days read at once."""
        after = _id_before(start)

        def read(day: date) -> list[Row]:
            entries = self._ledger.entries(tenant_id, day, after if day == start.astimezone(UTC).date() else "")
            return rows_of(entry for entry in entries if start <= entry.at < end)

        with ThreadPoolExecutor(_READERS) as readers:
            for rows in readers.map(read, days):
                yield from rows


def report(
    usage: Usage,
    metering: Metering,
    tenant_id: str,
    *,
    plan_name: str,
    limits: dict[str, int | None],
    now: datetime,
    start: datetime | None,
    end: datetime | None,
    group_by: GroupBy,
    time_zone: str = "UTC",
) -> dict[str, Any]:
    """Return what was used between ``start`` and ``end``, this month unless told, and what is left of the plan.

    Requests still at work count, without cost yet; those given back do not.

    Raises:
        Invalid: The period ends before it begins, or is too long.
    """
    month_start, month_end = month_of(now, time_zone)
    start, end = start or month_start, end or (month_end if start is None or start < month_end else now)
    if not start < end or end - start > timedelta(days=_MAX_DAYS):
        raise Invalid(f'"from" must lie before "to", and at most {_MAX_DAYS} days before.')
    rows = usage.rows(tenant_id, start, end)
    plan, granted = metering.terms(plan_name, limits)
    limit, used = granted.requests_per_month, sum(row.requests for row in rows)
    if plan.prepaid or limit is not None:
        meter = metering.counted(tenant_id, plan, now, time_zone)
        limit, used = meter.granted if plan.prepaid else limit, meter.used
    return {
        "period": {"start": rfc3339(start), "end": rfc3339(end)},
        "plan": plan.name,
        "requests": {"limit": limit, "used": used, "remaining": None if limit is None else max(0, limit - used)},
        "cost": usd(sum(row.price for row in rows)),
        "currency": "USD",
        "items": _groups(rows, group_by),
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
            return beginning(date.fromisoformat(text) + timedelta(days=closing))
        read = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise Invalid('"from" and "to" are days such as 2026-01-31 or times such as 2026-01-31T12:00:00Z.') from None
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)


def _id_before(start: datetime) -> str:
    """Return what is below the id of every request that was admitted from ``start`` on; an id is made before that."""
    return str(ULID.from_datetime(start - _BEFORE_ADMISSION))[:_TIME_OF_ID]


def _groups(rows: list[Row], group_by: GroupBy) -> list[dict[str, Any]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(str(getattr(row, _MEMBERS[group_by])), []).append(row)
    return [
        {
            group_by: name or None,
            "requests": sum(row.requests for row in group),
            "input_tokens": sum(row.input_tokens for row in group),
            "output_tokens": sum(row.output_tokens for row in group),
            "cached_tokens": sum(row.cached_tokens for row in group),
            "provider_cost": usd(sum(row.provider_cost for row in group)),
            "cost": usd(sum(row.price for row in group)),
        }
        for name, group in sorted(groups.items())
    ]
