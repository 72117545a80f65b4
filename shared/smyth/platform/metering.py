"""Metering: a request is admitted, then settled or released, and the ledger says so for ever.

Admission reserves one request of the period's grant, counts it against the limits
a minute, reserves what it may cost where budgets apply, and writes the ledger
entry, all in one step: no two callers can take the same last request or the same
last dollar. Settlement writes what the request really used and frees the rest.
What neither settles nor releases has a lease; the sweeper ends it. A month's grant
is not stored: it is the plan's with the tenant's own limits over it, compared at
every admission, so a changed limit holds at once. Prepaid requests are stored: as
many as were paid for.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from smyth.platform import budgets
from smyth.platform.access import Caller
from smyth.platform.budgets import LEAST_ALLOWANCE, Hold, Overspent
from smyth.platform.entries import Entry, Figures
from smyth.platform.errors import Busy, Forbidden
from smyth.platform.idempotency import Answer, Claim, Taken
from smyth.platform.leases import lease_of
from smyth.platform.meters import Exhausted, Meter, MeterStore, Rate, Terms, TooFast
from smyth.platform.periods import month_of, period_name
from smyth.platform.plans import Limits, Plan
from smyth.platform.refusals import no_request_left, too_many
from smyth.platform.times import Clock, utc_now

__all__ = ["Admission", "Entry", "Figures", "Metering", "meter_name", "month_of"]

logger = logging.getLogger(__name__)

#: The meter of all that was prepaid.
PREPAID = "prepaid"
#: What the models of one request may cost where a budget applies and says no more.
RUN_ALLOWANCE = 250_000
#: Budgets of plans that let through more requests a second than this are spread over several items.
_FAST = 50
_SHARDS = 8


class Admission(BaseModel):
    """A request that was let in."""

    model_config = ConfigDict(frozen=True)

    entry: Entry
    #: Requests left in the period; None where there is no limit.
    remaining: int | None
    claim: Claim | None = None

    @property
    def reserved(self) -> int | None:
        """What the request may cost at the most, its fee included, in micro-USD; None where nothing bounds it."""
        return self.entry.reserved


class Metering:
    """The use cases of metering."""

    def __init__(
        self,
        store: MeterStore,
        plans: Mapping[str, Plan],
        clock: Clock = utc_now,
        *,
        run_allowance: int = RUN_ALLOWANCE,
        ip_requests_per_minute: int | None = None,
    ) -> None:
        self.store = store
        self._plans = plans
        self._now = clock
        self._run_allowance = run_allowance
        self._ip_requests_per_minute = ip_requests_per_minute
        #: Tenant and meter of what had no request left a moment ago.
        self._full: set[tuple[str, str]] = set()

    def admit(
        self,
        caller: Caller,
        *,
        request_id: str,
        route: str,
        agent_id: str = "",
        claim: Claim | None = None,
        allowance: int | None = None,
        at: datetime | None = None,
        lease: timedelta | None = None,
    ) -> Admission | Taken:
        """Let a request in, or say what became of the one that came before it under the same claim.

        Args:
            caller: Who pays.
            request_id: The request.
            route: Method and path template.
            agent_id: The agent that is called.
            claim: The request's hold on its Idempotency-Key.
            allowance: What the caller lets the request's models cost at the most, in micro-USD; None: no bound of
                the caller's.
            at: When a request was first let in that is let in again after whoever worked on it was ended; it is
                counted once.
            lease: How long it may be open, where its route does not tell.

        Raises:
            QuotaExceeded: The month's requests are used up.
            PaymentRequired: The prepaid requests are used up.
            BudgetExceeded: A budget has too little left.
            RateLimited: The tenant, the key or the address had its requests of this minute.
        """
        plan, limits = self.terms(caller.plan, dict(caller.limits))
        now = at or self._now()
        metered = plan.prepaid or limits.requests_per_month is not None
        entry = Entry(
            request_id=request_id,
            tenant_id=caller.tenant_id,
            at=now,
            key_id=caller.key_id,
            agent_id=agent_id,
            route=route,
            plan=plan.name,
            fee=plan.price_per_request,
            markup_percent=plan.model_markup_percent,
            meter=meter_name(plan, now, caller.time_zone) if metered else "",
            lease_until=now + (lease or lease_of(route)),
        )
        granted = None if plan.prepaid else limits.requests_per_month
        if claim is None and self._is_full_still(entry, plan, granted):
            raise no_request_left(plan, granted, now, caller.time_zone)
        terms = Terms(
            granted=granted,
            overage_fee=None if plan.prepaid else plan.overage_per_request,
            rates=self._rates(caller, plan),
            hold=self._hold(caller, entry, plan, allowance),
        )
        try:
            admitted = self.store.reserve(entry, terms, claim, now)
        except Exhausted:
            self._full.add((entry.tenant_id, entry.meter))
            raise no_request_left(plan, terms.granted, now, caller.time_zone) from None
        except TooFast as fast:
            raise too_many(fast.rate.what, fast.rate.most, now) from None
        except Overspent as overspent:
            raise budgets.refusal(overspent, now, caller.time_zone) from None
        if isinstance(admitted, Taken):
            return admitted
        return Admission(entry=admitted, remaining=self.remaining(admitted, terms.granted), claim=claim)

    def settle(self, admission: Admission, figures: Figures, answer: Answer | None = None) -> bool:
        """Write what the request used; return False when the sweeper was quicker, or has to do it."""
        entry = admission.entry.settled(figures)
        lost = entry.cost_of(figures) - entry.price
        if lost:
            logger.error(
                "request %s cost %d micro-USD more than was reserved: the loss is ours", entry.request_id, lost
            )
        return self._end(entry, admission.claim, answer)

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
            try:
                if not self.store.end(ended):
                    continue
            except Exception:  # Whatever it is, those behind it must not wait; the next sweep tries again.
                logger.exception("request %s could not be swept", entry.request_id)
                continue
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
        if not entry.meter:
            return None
        meter = self.store.meter(entry.tenant_id, entry.meter)
        return max(0, (meter.granted if granted is None else granted) - meter.used)

    def counted(self, tenant_id: str, plan: Plan, now: datetime, time_zone: str = "UTC") -> Meter:
        """Return what the plan's meter has counted in the period of ``now``; of what is prepaid also the grant."""
        return self.store.meter(tenant_id, meter_name(plan, now, time_zone))

    def _is_full_still(self, entry: Entry, plan: Plan, granted: int | None) -> bool:
        """Tell whether a meter that has refused a request has none left still.

        A look is cheaper than a transaction that fails, and who is refused tends to come again and again.
        """
        meter = (entry.tenant_id, entry.meter)
        if meter not in self._full or plan.overage_per_request is not None:
            return False
        if self.remaining(entry, granted) == 0:
            return True
        self._full.discard(meter)
        return False

    def _rates(self, caller: Caller, plan: Plan) -> tuple[Rate, ...]:
        """Return the limits a minute that are set for the caller."""
        limits = {
            "tenant": caller.requests_per_minute or plan.requests_per_minute,
            f"key:{caller.key_id}": caller.key_requests_per_minute,
            f"ip:{caller.source_ip}": self._ip_requests_per_minute if caller.source_ip else None,
        }
        return tuple(Rate(what=what, most=most) for what, most in limits.items() if most is not None)

    def _hold(self, caller: Caller, entry: Entry, plan: Plan, allowance: int | None) -> Hold | None:
        """Return what bounds the cost of the request: budgets, or the caller's own word; None where nothing does."""
        found = self.store.budgets.all(caller.tenant_id) if caller.budgeted else []
        applicable = budgets.applicable(found, agent_id=entry.agent_id, key_id=entry.key_id)
        bounds = [self._run_allowance if budget.per_run is None else budget.per_run for budget in applicable]
        if allowance is not None:
            bounds.append(allowance)
        if not bounds:
            return None
        return Hold(
            budgets=applicable,
            allowance=min(bounds),
            least=min(*bounds, LEAST_ALLOWANCE),
            time_zone=caller.time_zone,
            shards=_SHARDS if plan.throttle.rate > _FAST else 1,
        )

    def _end(self, entry: Entry, claim: Claim | None, answer: Answer | None) -> bool:
        try:
            won = self.store.end(entry, claim, answer)
        except Busy:
            logger.error(
                "request %s could not be %s in time: it is left to the sweeper", entry.request_id, entry.status
            )
            return False
        if not won:
            logger.warning("request %s had ended before it was %s", entry.request_id, entry.status)
        return won


def meter_name(plan: Plan, now: datetime, time_zone: str = "UTC") -> str:
    """Return the meter that counts now: one a month of the tenant's, or one for all that was prepaid."""
    return PREPAID if plan.prepaid else period_name("month", now, time_zone)
