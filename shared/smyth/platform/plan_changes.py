"""What a change of plan owes the ledger: requests that no meter counted are counted by the one that begins to.

A plan without a limit counts nothing. When its tenant moves to one with a limit in mid-month, the month's meter must
know what was used before. How many that is, is read from the ledger; the meter keeps how many it was given, so it can
be told again. It is: requests that were let in under the old plan may be at work for a while after the change.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from smyth.platform.plans import Limits, Plan
from smyth.platform.routes import FUNCTIONS
from smyth.platform.times import Clock, utc_now
from smyth.platform.usage import Usage

#: As long as a request that was admitted before a change may go on.
LONGEST_REQUEST = timedelta(seconds=max(function.timeout_s for function in FUNCTIONS), minutes=2)


class Seed(BaseModel):
    """A month's meter that has to learn what was used before it began to count."""

    model_config = ConfigDict(frozen=True)

    tenant_id: str
    #: The month, by which the meter is called.
    meter: str
    start: datetime
    #: Until when the number may still change.
    until: datetime


class SeedStore(Protocol):
    """Where seeds wait, written together with the tenant, and the meters they are for."""

    def waiting(self) -> Iterable[Seed]:
        """Yield the seeds that are not final."""
        ...

    def add(self, seed: Seed, requests: int) -> None:
        """Let the meter count ``requests`` in place of what it was given before."""
        ...

    def finish(self, seed: Seed) -> None:
        """Forget a seed, unless a later change has replaced it."""
        ...


class PlanChanges:
    """Settles what changes of plans have left to do."""

    def __init__(self, store: SeedStore, usage: Usage, clock: Clock = utc_now) -> None:
        self._store = store
        self._usage = usage
        self._now = clock

    def seed(self, seed: Seed) -> int:
        """Tell a meter what was used before it began to count; return how much that is."""
        rows = self._usage.rows(seed.tenant_id, seed.start, seed.until)
        requests = sum(row.requests for row in rows if not row.meter)
        self._store.add(seed, requests)
        return requests

    def go_on(self) -> int:
        """Tell all meters that wait, and forget those whose number is final; return how many were told."""
        told = 0
        for seed in self._store.waiting():
            final = self._now() > seed.until
            self.seed(seed)
            if final:
                self._store.finish(seed)
            told += 1
        return told


def is_metered(plan: Plan | None, limits: Limits) -> bool:
    """Tell whether a meter of the month counts the requests of a tenant with this plan and these limits."""
    return plan is not None and not plan.prepaid and limits.requests_per_month is not None
