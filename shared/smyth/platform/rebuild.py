"""The proof that totals equal the ledger: each is computed from its entries again and compared; repairs on demand.

Totals are the roll-ups of closed days, the meters, and what is spent of budgets. Requests go on meanwhile, so a
difference counts only if it is seen twice, the same both times.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

from smyth.platform.errors import Invalid
from smyth.platform.metering import PREPAID
from smyth.platform.rollups import Rollups, RollupStore, Row, beginning
from smyth.platform.tenants import Tenant
from smyth.platform.times import Clock, utc_now
from smyth.platform.usage import Usage

#: As much as one function has the time for.
MOST_DAYS = 31
_DAY = timedelta(days=1)


class Difference(BaseModel):
    """A total that is not what the ledger says."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["rollup", "meter", "budget"]
    name: str
    #: Requests of meters, micro-USD of budgets and roll-ups.
    ledger: int
    found: int
    repaired: bool = False


class TotalStore(Protocol):
    """Where meters and spendings are read as they stand, and set right."""

    def used(self, tenant_id: str, meter: str) -> int:
        """Return what a meter has counted by itself, without what it was given to begin with."""
        ...

    def spent(self, tenant_id: str, budget: str) -> int:
        """Return what is spent of a budget in a period: ``<scope>#<period>``."""
        ...

    def correct_meter(self, tenant_id: str, meter: str, by: int) -> None:
        """Change what a meter has counted."""
        ...

    def correct_budget(self, tenant_id: str, budget: str, by: int) -> None:
        """Change what is spent of a budget, and what is free of it by as much."""
        ...


class Rebuild:
    """The use case."""

    def __init__(
        self, usage: Usage, rollups: Rollups, kept: RollupStore, totals: TotalStore, clock: Clock = utc_now
    ) -> None:
        self._usage = usage
        self._rollups = rollups
        self._kept = kept
        self._totals = totals
        self._now = clock

    def check(self, tenant: Tenant, first: date, last: date, *, repair: bool) -> list[Difference]:
        """Compare the totals of the days from ``first`` to ``last`` with the ledger.

        Meters and budgets are compared whole where one of the days counts for them, whatever else does.

        Raises:
            Invalid: The days are in the wrong order, or too many for once.
        """
        if not timedelta() <= last - first < MOST_DAYS * _DAY:
            raise Invalid(f'"from" must not lie behind "to", and both within {MOST_DAYS} days.')
        found = [*self._rolled(tenant, first, last, repair=repair)]
        once = self._counted(tenant, first, last)
        twice = [one for one in self._counted(tenant, first, last) if one in once] if once else []
        return found + [self._repaired(tenant, one) if repair else one for one in twice]

    def _rolled(self, tenant: Tenant, first: date, last: date, *, repair: bool) -> Iterable[Difference]:
        """Yield the closed days whose roll-up is missing rows, has too many or others."""
        kept = self._kept.between(tenant.id, first, last)
        for day in _days(first, min(last, self._rollups.last_closed())):
            if day not in kept:
                continue
            rows = self._rollups.counted(tenant.id, day)
            if rows is not None and rows != kept[day]:
                if repair:
                    self._rollups.make(tenant.id, day)
                yield Difference(
                    kind="rollup", name=str(day), ledger=_price(rows), found=_price(kept[day]), repaired=repair
                )

    def _counted(self, tenant: Tenant, first: date, last: date) -> list[Difference]:
        """Return the meters and budgets of a period that differ from the ledger."""
        rows = self._usage.rows(tenant.id, beginning(first), beginning(last + _DAY))
        months = {f"{day:%Y-%m}" for day in _days(first, last)}
        meters = {row.meter for row in rows if row.meter} | months | {PREPAID}
        budgets = {budget for row in rows for budget in row.budgets}
        ever = self._usage.rows(tenant.id, *self._reach(tenant, meters, budgets))
        found = []
        for meter in sorted(meters):
            ledger = sum(row.requests for row in ever if row.meter == meter)
            used = self._totals.used(tenant.id, meter)
            found.append(Difference(kind="meter", name=meter, ledger=ledger, found=used))
        for budget in sorted(budgets):
            ledger = sum(row.price for row in ever if budget in row.budgets)
            spent = self._totals.spent(tenant.id, budget)
            found.append(Difference(kind="budget", name=budget, ledger=ledger, found=spent))
        return [difference for difference in found if difference.ledger != difference.found]

    def _reach(self, tenant: Tenant, meters: set[str], budgets: set[str]) -> tuple[datetime, datetime]:
        """Return a period that all requests lie in that count for the meters and budgets."""
        periods = [name for name in meters if name != PREPAID] + [name.rpartition("#")[2] for name in budgets]
        everlasting = "total" in periods or bool(self._totals.used(tenant.id, PREPAID))
        begins = [date.fromisoformat(f"{name}-01"[:10]) for name in periods if name != "total"]
        # Months and days lie in the tenant's time zone, which is at most a day away.
        start = tenant.created_at - _DAY if everlasting else beginning(min(begins)) - _DAY
        return start, self._now() + _DAY if everlasting else beginning(max(begins)) + 33 * _DAY

    def _repaired(self, tenant: Tenant, difference: Difference) -> Difference:
        by = difference.ledger - difference.found
        if difference.kind == "meter":
            self._totals.correct_meter(tenant.id, difference.name, by)
        else:
            self._totals.correct_budget(tenant.id, difference.name, by)
        return difference.model_copy(update={"repaired": True})


def _days(first: date, last: date) -> Iterable[date]:
    return (first + number * _DAY for number in range((last - first).days + 1))


def _price(rows: list[Row]) -> int:
    return sum(row.price for row in rows)
