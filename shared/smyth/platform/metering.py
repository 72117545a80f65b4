"""Metering: a request is admitted, then settled or released, and the ledger says so for ever.

Admission reserves one request of the period's grant and writes the ledger entry
in one step, so no two callers can take the same last request. Settlement writes
what the request really used. What neither settles nor releases has a lease; the
sweeper ends it. The grant is not stored: it is the plan's with the tenant's own
limits over it, compared at every admission, so a changed limit holds at once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

from smyth.platform.access import Caller, known_routes, route_name
from smyth.platform.errors import Forbidden, PaymentRequired, PlatformError, QuotaExceeded
from smyth.platform.idempotency import Answer, Claim, Taken
from smyth.platform.plans import Limits, Plan
from smyth.platform.routes import FUNCTIONS
from smyth.platform.times import Clock, rfc3339, utc_now

logger = logging.getLogger(__name__)

#: What a lease is longer than the function's time limit, so that nobody at work is swept.
_LEASE_MARGIN = timedelta(seconds=30)
_TIME_LIMITS = {function.name: function.timeout_s for function in FUNCTIONS}
_PREPAID = "prepaid"

Status = Literal["reserved", "settled", "released"]


class Figures(BaseModel):
    """What a request used."""

    model_config = ConfigDict(frozen=True)

    #: The model that was asked, the last one where there were several.
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    #: What the provider takes, in micro-USD.
    provider_cost: int = 0
    duration_ms: int = 0

    @property
    def of_a_model(self) -> bool:
        """Whether a model was asked, which the provider takes money for."""
        return bool(self.model or self.input_tokens or self.output_tokens or self.cached_tokens or self.provider_cost)


class Entry(Figures):
    """One billable request in the ledger; final once it is settled or released."""

    request_id: str
    tenant_id: str
    #: When it was admitted.
    at: datetime
    key_id: str = ""
    agent_id: str = ""
    #: Method and path template.
    route: str = ""
    plan: str = ""
    #: What the plan takes for a request, in micro-USD.
    fee: int = 0
    #: What the tenant pays, in micro-USD: the fee and the provider's cost; nothing unless settled.
    price: int = 0
    #: Which meter it was taken from; empty where the plan has no limit.
    meter: str = ""
    status: Status = "reserved"
    lease_until: datetime

    @property
    def day(self) -> date:
        """The day it counts for."""
        return self.at.date()

    def settled(self, figures: Figures) -> Entry:
        """Return the entry as it stands once the request has been answered."""
        price = self.fee + figures.provider_cost
        return self.model_copy(update=figures.model_dump() | {"status": "settled", "price": price})

    def released(self, figures: Figures) -> Entry:
        """Return the entry as it stands once the request is known to cost nothing."""
        return self.model_copy(update=figures.model_dump() | {"status": "released", "price": 0})


class Exhausted(Exception):
    """The meter has no request left; nothing was written."""


class MeterStore(Protocol):
    """Where entries and meters live. Every call may be repeated; the first one that ends an entry wins."""

    def reserve(self, entry: Entry, granted: int | None, claim: Claim | None, now: datetime) -> Claim | Taken | None:
        """Write the entry, count it on its meter while that is below ``granted``, and take the claim: all or nothing.

        Raises:
            Exhausted: The meter is at ``granted``.
        """
        ...

    def end(self, entry: Entry, claim: Claim | None = None, answer: Answer | None = None) -> bool:
        """Write the entry's end; a release gives the request back to the meter, a settlement keeps the claim's answer.

        Returns False where the entry had ended another way before.
        """
        ...

    def note(self, entry: Entry, figures: Figures) -> None:
        """Write what an open entry has used so far, which settles it if nobody else does."""
        ...

    def used(self, tenant_id: str, meter: str) -> int:
        """Return what the meter has counted, as of all writes so far."""
        ...

    def overdue(self, now: datetime) -> Iterator[Entry]:
        """Yield open entries whose lease has ended."""
        ...

    def entries(self, tenant_id: str, day: date, after: str = "") -> Iterable[Entry]:
        """Yield the entries of a day behind the request id ``after``."""
        ...


class Admission(BaseModel):
    """A request that was let in."""

    model_config = ConfigDict(frozen=True)

    entry: Entry
    #: Requests left in the period; None where there is no limit.
    remaining: int | None
    claim: Claim | None = None


class Metering:
    """The use cases of metering."""

    def __init__(self, store: MeterStore, plans: Mapping[str, Plan], clock: Clock = utc_now) -> None:
        self.store = store
        self._plans = plans
        self._now = clock

    def admit(
        self, caller: Caller, *, request_id: str, route: str, agent_id: str = "", claim: Claim | None = None
    ) -> Admission | Taken:
        """Let a request in, or say what became of the one that came before it under the same claim.

        Raises:
            QuotaExceeded: The month's requests are used up.
            PaymentRequired: The prepaid requests are used up.
        """
        plan, limits = self.terms(caller.plan, dict(caller.limits))
        granted = limits.requests_per_month
        now = self._now()
        entry = Entry(
            request_id=request_id,
            tenant_id=caller.tenant_id,
            at=now,
            key_id=caller.key_id,
            agent_id=agent_id,
            route=route,
            plan=plan.name,
            fee=plan.price_per_request,
            meter="" if granted is None else meter_name(plan, now),
            lease_until=now + lease_of(route),
        )
        try:
            taken = self.store.reserve(entry, granted, claim, now)
        except Exhausted:
            raise _refusal(plan, granted or 0, now) from None
        if isinstance(taken, Taken):
            return taken
        return Admission(entry=entry, remaining=self.remaining(entry, granted), claim=taken)

    def settle(self, admission: Admission, figures: Figures, answer: Answer | None = None) -> bool:
        """Write what the request used; return False when the sweeper was quicker."""
        return self._end(admission.entry.settled(figures), admission.claim, answer)

    def release(self, admission: Admission, figures: Figures | None = None) -> bool:
        """Give the request back: it is not billed."""
        return self._end(admission.entry.released(figures or Figures()), admission.claim, None)

    def note(self, admission: Admission, figures: Figures) -> None:
        """Write what a long request has used so far, in case it never ends in order."""
        self.store.note(admission.entry, figures)

    def sweep(self) -> tuple[int, int]:
        """End what was left open: settled where a model is known to have been asked, else released.

        Returns how many were settled and released.
        """
        settled = released = 0
        for entry in self.store.overdue(self._now()):
            figures = Figures.model_validate(entry.model_dump(include=set(Figures.model_fields)))
            ended = entry.settled(figures) if figures.of_a_model else entry.released(figures)
            if self.store.end(ended):
                settled += ended.status == "settled"
                released += ended.status == "released"
        return settled, released

    def terms(self, plan_name: str, overrides: Mapping[str, int | None]) -> tuple[Plan, Limits]:
        """Return a tenant's plan and what it grants.

        Raises:
            Forbidden: The plan no longer exists in this stack.
        """
        plan = self._plans.get(plan_name)
        if plan is None:
            raise Forbidden(
                f'The plan "{plan_name}" does not exist here. Ask the operator to move you to another plan.'
            )
        return plan, plan.limits.overridden(overrides)

    def remaining(self, entry: Entry, granted: int | None) -> int | None:
        """Return how many requests the entry's period has left."""
        if granted is None:
            return None
        return max(0, granted - self.store.used(entry.tenant_id, entry.meter))

    def counted(self, tenant_id: str, plan: Plan, now: datetime) -> int:
        """Return how many requests the plan's meter has counted in the period of ``now``."""
        return self.store.used(tenant_id, meter_name(plan, now))

    def _end(self, entry: Entry, claim: Claim | None, answer: Answer | None) -> bool:
        won = self.store.end(entry, claim, answer)
        if not won:
            logger.warning("request %s had ended before it was %s", entry.request_id, entry.status)
        return won


def lease_of(route: str) -> timedelta:
    """Return how long a request on ``route`` may be open."""
    method, _, path = route.partition(" ")
    known = known_routes()[route_name(method, path)]
    return timedelta(seconds=_TIME_LIMITS[known.function]) + _LEASE_MARGIN


def meter_name(plan: Plan, now: datetime) -> str:
    """Return the meter that counts now: one a month, or one for all that was prepaid."""
    return _PREPAID if plan.prepaid else f"{now:%Y-%m}"


def month_of(now: datetime) -> tuple[datetime, datetime]:
    """Return when the month began and when it ends, in UTC."""
    start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return start, (start + timedelta(days=32)).replace(day=1)


def _refusal(plan: Plan, granted: int, now: datetime) -> PlatformError:
    if plan.over_limit == 402:
        return PaymentRequired(f"All {granted} prepaid requests are used. Buy more to go on.")
    end = month_of(now)[1]
    seconds = int((end - now).total_seconds()) + 1
    return QuotaExceeded(
        f"All {granted} requests of this month are used. They come again at {rfc3339(end)}; a larger plan has more.",
        retry_after_s=seconds,
    )
