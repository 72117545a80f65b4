"""Roll-ups: what a tenant used on a closed day, summed once so that nobody reads its entries again.

A roll-up is never counted up: it is made from the ledger's entries of its day, once all of them are final, and
making it again writes the same. A day without one is read from the ledger, so usage is exact either way.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from itertools import islice
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from smyth.platform.entries import Entry
from smyth.platform.times import Clock, utc_now

#: How long after its end a day is closed: longer than any lease and the sweeps after it.
_CLOSES_AFTER = timedelta(hours=1)
_DAY = timedelta(days=1)
_CHUNK = 1_000
#: What one item holds, packed.
_MOST_ROWS = 8_000
_NAMES = ("day", "agent_id", "key_id", "model", "route", "plan", "meter", "fee", "overage", "budgets")
_MEASURES = ("requests", "input_tokens", "output_tokens", "cached_tokens", "provider_cost", "fees", "price")

logger = logging.getLogger(__name__)


class Row(BaseModel):
    """What was used under one combination of names on one day. Money in micro-USD."""

    model_config = ConfigDict(frozen=True)

    day: date
    agent_id: str = ""
    key_id: str = ""
    model: str = ""
    route: str = ""
    plan: str = ""
    #: The meter that the requests were taken from; empty where the plan has no limit.
    meter: str = ""
    #: What the plan takes for each of the requests, and whether they were let in beyond the month's grant.
    fee: int = 0
    overage: bool = False
    #: The budgets that they were spent from: ``<scope>#<period>``.
    budgets: tuple[str, ...] = ()
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    provider_cost: int = 0
    #: What the plan takes for those that are settled.
    fees: int = 0
    #: What the tenant pays in all: fees and the providers' cost with its markup.
    price: int = 0


class Ledger(Protocol):
    """Where entries are read; see :class:`smyth.platform.metering.MeterStore`."""

    def entries(self, tenant_id: str, day: date, after: str = "") -> Iterable[Entry]:
        """Yield the entries of a day behind the request id ``after``."""
        ...


class Part(BaseModel):
    """A day whose entries are read up to one of them."""

    model_config = ConfigDict(frozen=True)

    tenant_id: str
    day: date
    after: str = ""
    rows: list[Row] = []


class Progress(BaseModel):
    """How far all tenants' days are rolled up."""

    model_config = ConfigDict(frozen=True)

    #: Up to here all days of all tenants are done; None at the very beginning.
    through: date | None = None
    #: The day that the pass under way goes up to, and the tenant behind which it goes on.
    target: date | None = None
    after: str = ""
    #: The day that time did not suffice for.
    part: Part | None = None


class RollupStore(Protocol):
    """Where roll-ups live."""

    def put(self, tenant_id: str, day: date, rows: list[Row]) -> None:
        """Write a day's roll-up, replacing the one that is there."""
        ...

    def between(self, tenant_id: str, first: date, last: date) -> Mapping[date, list[Row]]:
        """Return the roll-ups of the days from ``first`` to ``last`` that have one."""
        ...

    def progress(self) -> Progress:
        """Return how far the last pass came."""
        ...

    def save(self, progress: Progress) -> None:
        """Write how far this pass has come."""
        ...


class Account(Protocol):
    """As much of a tenant as rolling up needs."""

    @property
    def id(self) -> str:
        """The tenant's id."""
        ...

    @property
    def created_at(self) -> datetime:
        """Before this moment there are no entries."""
        ...


class Rollups:
    """The use cases of roll-ups."""

    def __init__(
        self,
        ledger: Ledger,
        store: RollupStore,
        tenants: Callable[[str], Iterable[Account]],
        clock: Clock = utc_now,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make the use cases.

        Args:
            ledger: Where entries are read.
            store: Where roll-ups are kept.
            tenants: Yields the tenants behind an id, newest first.
            clock: Tells which days are closed.
            ticks: Tells when to stop.
        """
        self._ledger = ledger
        self._store = store
        self._tenants = tenants
        self._now = clock
        self._ticks = ticks

    def last_closed(self) -> date:
        """Return the last day whose entries can no longer change."""
        return (self._now().astimezone(UTC) - _CLOSES_AFTER).date() - _DAY

    def make(self, tenant_id: str, day: date) -> list[Row] | None:
        """Roll a closed day up and return its rows; None where a request of that day has not ended yet."""
        rows = self.counted(tenant_id, day)
        if rows is not None and len(rows) <= _MOST_ROWS:
            self._store.put(tenant_id, day, rows)
        return rows

    def counted(self, tenant_id: str, day: date) -> list[Row] | None:
        """Return a day's rows from the ledger alone; None where a request of that day has not ended yet."""
        try:
            return self._read(Part(tenant_id=tenant_id, day=day), None).rows
        except Unfinished:
            return None

    def catch_up(self, *, seconds: float) -> int:
        """Roll up the closed days of all tenants that are not yet; stop in time and go on from there at the next call.

        Returns how many days of tenants were rolled up.
        """
        deadline = self._ticks() + seconds
        progress = self._store.progress()
        target = progress.target or self.last_closed()
        if progress.through is not None and target <= progress.through:
            return 0
        progress = progress.model_copy(update={"target": target})
        done = 0
        for tenant in self._tenants(progress.after):
            for day in _days(progress, tenant, target):
                made = self._go_on(progress, Part(tenant_id=tenant.id, day=day), deadline)
                if made is None:
                    return done
                done += made
            progress = progress.model_copy(update={"after": tenant.id, "part": None})
            self._store.save(progress)
        self._store.save(Progress(through=target))
        return done

    def _go_on(self, progress: Progress, part: Part, deadline: float) -> bool | None:
        """Roll a day up, from where the last call came to; None when time is up, and where that was is kept."""
        begun = progress.part
        if begun and (begun.tenant_id, begun.day) == (part.tenant_id, part.day):
            part = begun
        try:
            part = self._read(part, deadline)
        except Unfinished:
            logger.warning("a request of %s on %s never ended; that day is read live", *_whose(part))
            return False
        if len(part.rows) > _MOST_ROWS:
            logger.warning("%s has too many groups for a roll-up on %s; that day is read live", *_whose(part))
            return False
        if part.after:
            self._store.save(progress.model_copy(update={"part": part}))
            return None
        self._store.put(part.tenant_id, part.day, part.rows)
        return True

    def _read(self, part: Part, deadline: float | None) -> Part:
        """Read a day's entries, up to its end or to the deadline; what is read whole has no ``after``."""
        rows = part.rows
        entries = iter(self._ledger.entries(part.tenant_id, part.day, part.after))
        while chunk := list(islice(entries, _CHUNK)):
            if any(entry.status == "reserved" for entry in chunk):
                raise Unfinished
            rows = merged([*rows, *map(_row, chunk)])
            if deadline is not None and self._ticks() > deadline:
                return part.model_copy(update={"rows": rows, "after": chunk[-1].request_id})
        return part.model_copy(update={"rows": rows, "after": ""})


class Unfinished(Exception):
    """A request of the day has not ended yet."""


def rows_of(entries: Iterable[Entry]) -> list[Row]:
    """Sum entries up; those that were given back do not count."""
    return merged(map(_row, entries))


def merged(rows: Iterable[Row]) -> list[Row]:
    """Sum rows up that have the same names; those without a request are left out."""
    sums: dict[tuple[object, ...], list[int]] = {}
    for row in rows:
        if row.requests:
            names = tuple(getattr(row, name) for name in _NAMES)
            so_far = sums.get(names, [0] * len(_MEASURES))
            sums[names] = [total + getattr(row, name) for total, name in zip(so_far, _MEASURES, strict=True)]
    made = [
        Row(**dict(zip(_NAMES, names, strict=True)), **dict(zip(_MEASURES, sums[names], strict=True))) for names in sums
    ]
    return sorted(made, key=lambda row: [str(getattr(row, name)) for name in _NAMES])


def _row(entry: Entry) -> Row:
    return Row(
        day=entry.day,
        agent_id=entry.agent_id,
        key_id=entry.key_id,
        model=entry.model,
        route=entry.route,
        plan=entry.plan,
        meter=entry.meter,
        fee=entry.fee,
        overage=entry.overage,
        budgets=tuple(budget.rpartition("/")[0] for budget in entry.budgets),
        requests=0 if entry.status == "released" else 1,
        input_tokens=entry.input_tokens,
        output_tokens=entry.output_tokens,
        cached_tokens=entry.cached_tokens,
        provider_cost=entry.provider_cost,
        fees=entry.fee if entry.status == "settled" else 0,
        price=entry.price,
    )


def _whose(part: Part) -> tuple[str, date]:
    return part.tenant_id, part.day


def _days(progress: Progress, tenant: Account, target: date) -> Iterator[date]:
    """Yield the days that a tenant still lacks."""
    day = tenant.created_at.astimezone(UTC).date()
    if progress.through is not None:
        day = max(day, progress.through + _DAY)
    if progress.part is not None and progress.part.tenant_id == tenant.id:
        day = max(day, progress.part.day)
    while day <= target:
        yield day
        day += _DAY


def beginning(day: date) -> datetime:
    """Return when a day begins, in UTC."""
    return datetime.combine(day, time_of_day(), UTC)
