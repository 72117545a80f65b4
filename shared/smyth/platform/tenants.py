"""Tenants: who has which plan, with which limits of their own."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Literal, Protocol, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from smyth.platform.access import OPERATOR, Caller
from smyth.platform.errors import Conflict, Invalid, NotFound
from smyth.platform.ids import TENANT, is_id, new_id
from smyth.platform.names import Name
from smyth.platform.payments import PAYMENT, NewPayment, Payments
from smyth.platform.periods import month_of, period_name
from smyth.platform.plan_changes import LONGEST_REQUEST, PlanChanges, Seed, is_metered
from smyth.platform.plans import Limits, Plan
from smyth.platform.time_zones import TimeZone
from smyth.platform.times import Clock, utc_now

_ATTEMPTS = 5
#: What a change to null takes away.
_REMOVABLE = {"trial_until", "requests_per_minute"}

#: ``erasing`` has no way back; see :mod:`smyth.platform.erasure`.
Status = Literal["active", "suspended", "erasing"]


class PlanChange(BaseModel):
    """Which plan a tenant had from a moment on, up to the next change."""

    model_config = ConfigDict(frozen=True)

    plan: str
    since: datetime


class Tenant(BaseModel):
    """Owns agents, files, vectors, keys and usage."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    plan: str
    status: Status = "active"
    #: Where the tenant's limits differ from the plan's.
    limits: dict[str, int | None] = {}
    #: What API Gateway's usage plans know the tenant by.
    usage_identifier: str
    created_at: datetime
    #: Where the tenant's months begin and end; an IANA name.
    time_zone: str = "UTC"
    #: No monthly price is charged before this moment.
    trial_until: datetime | None = None
    #: Every plan the tenant has had, oldest first; the last one is ``plan``. Proration reads it.
    plan_history: list[PlanChange] = []
    #: The tenant's own limit of requests a minute, in place of the plan's.
    requests_per_minute: int | None = None
    #: Whether the tenant has budgets; written with them.
    budgeted: bool = False
    #: Changes with every write, so that no writer overwrites what it has not seen.
    revision: int = 1

    @model_validator(mode="after")
    def _begin_history(self) -> Self:
        """Tenants of earlier versions have had their plan from the start, as far as is known."""
        if not self.plan_history:
            self.plan_history.append(PlanChange(plan=self.plan, since=self.created_at))
        return self

    @property
    def plan_since(self) -> datetime:
        """When the tenant came to its plan."""
        return self.plan_history[-1].since

    def acting(self, key_id: str) -> Caller:
        """Return the tenant as the caller of what nobody waits for; ``key_id`` tells who asked for it."""
        return Caller(
            tenant_id=self.id,
            plan=self.plan,
            role="owner",
            key_id=key_id,
            status=self.status,
            limits=tuple(self.limits.items()),
            time_zone=self.time_zone,
            requests_per_minute=self.requests_per_minute,
            budgeted=self.budgeted,
        )


class NewTenant(BaseModel):
    """What a tenant is made from."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    plan: str
    limits: Limits = Limits()
    time_zone: TimeZone = "UTC"
    #: Days without monthly price, in place of the plan's.
    trial_days: int | None = Field(default=None, ge=0, le=366)
    requests_per_minute: int | None = Field(default=None, gt=0, le=1_000_000)


class TenantChanges(BaseModel):
    """What a tenant may be changed by; null takes its own limits away, and ends its trial."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    plan: str | None = None
    status: Literal["active", "suspended"] | None = None
    limits: Limits | None = None
    time_zone: TimeZone | None = None
    trial_until: AwareDatetime | None = None
    requests_per_minute: int | None = Field(default=None, gt=0, le=1_000_000)


class TenantStore(Protocol):
    """Where tenants live."""

    def create(self, tenant: Tenant) -> Tenant:
        """Write a new tenant and return it, or the one that a repeated request has made before."""
        ...

    def get(self, tenant_id: str) -> Tenant | None:
        """Return a tenant, as written last."""
        ...

    def newest_first(self, after: str = "") -> Iterable[Tenant]:
        """Yield the tenants behind the id ``after``."""
        ...

    def replace(self, tenant: Tenant, seed: Seed | None = None) -> bool:
        """Write a changed tenant with the next revision, and what its meter is owed; False when others were quicker."""
        ...


class UsageFence(Protocol):
    """The throttle and quota before the functions: which tenant stands behind which plan's."""

    def place(self, tenant: Tenant, plan: str) -> None:
        """Put the tenant behind the plan's fence and behind no other; doing it again changes nothing."""
        ...

    def remove(self, tenant: Tenant) -> None:
        """Forget the tenant; doing it again changes nothing."""
        ...


class Tenants:
    """The use cases of tenants; all are the operator's."""

    def __init__(
        self,
        store: TenantStore,
        fence: UsageFence,
        plans: Mapping[str, Plan],
        plan_changes: PlanChanges,
        payments: Payments,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._fence = fence
        self._plans = plans
        self._plan_changes = plan_changes
        self._payments = payments
        self._now = clock

    def create(self, fields: NewTenant, *, tenant_id: str | None = None) -> Tenant:
        """Make a tenant. Requests in the limits of a prepaid one are given to it, for it has no month.

        Args:
            fields: What it is made from.
            tenant_id: The id, where a repeated request must make the same tenant.

        Raises:
            Invalid: There is no such plan.
        """
        plan = self._check_plan(fields.plan)
        now = self._now()
        own_limits = fields.limits.model_dump(exclude_unset=True)
        gift = own_limits.pop("requests_per_month", 0) if plan.prepaid else 0
        trial_days = plan.trial_days if fields.trial_days is None else fields.trial_days
        tenant = self._store.create(
            Tenant(
                id=tenant_id or new_id(TENANT),
                name=fields.name,
                plan=fields.plan,
                limits=own_limits,
                usage_identifier=secrets.token_hex(20),
                created_at=now,
                time_zone=fields.time_zone,
                trial_until=now + timedelta(days=trial_days) if trial_days else None,
                plan_history=[PlanChange(plan=plan.name, since=now)],
                requests_per_minute=fields.requests_per_minute,
            )
        )
        if gift:  # Under an id of its own, so that a repeated request gives it once.
            given = NewPayment(kind="grant", requests=gift, note="given when the tenant was made")
            self._payments.record(tenant, given, by=OPERATOR, payment_id=f"{PAYMENT}-{tenant.id.partition('-')[2]}")
        self._fence.place(tenant, tenant.plan)
        return tenant

    def get(self, tenant_id: str) -> Tenant:
        """Return a tenant.

        Raises:
            NotFound: There is none with this id.
        """
        tenant = self._store.get(tenant_id) if is_id(TENANT, tenant_id) else None
        if tenant is None:
            raise NotFound(f"There is no tenant {tenant_id}. GET /api/tenants lists those there are.")
        return tenant

    def page(self, *, limit: int, after: str = "") -> tuple[list[Tenant], str]:
        """Return tenants, newest first, and where the next page begins, empty at the end."""
        found = list(islice(self._store.newest_first(after), limit + 1))
        return found[:limit], found[limit - 1].id if len(found) > limit else ""

    def update(self, tenant_id: str, changes: TenantChanges) -> Tenant:
        """Change a tenant; plan, limits and status hold from the next request on.

        A tenant that comes to a limited plan in mid-month has its month so far counted.

        Raises:
            NotFound: There is no such tenant.
            Invalid: There is no such plan.
            Conflict: The tenant is being erased, or others keep changing it.
        """
        if changes.plan is not None:
            self._check_plan(changes.plan)
        for _ in range(_ATTEMPTS):
            tenant = self.get(tenant_id)
            if tenant.status == "erasing":
                raise Conflict(f"The tenant {tenant_id} is being erased. Nothing of it can be changed any more.")
            changed = tenant.model_copy(update=_changed(tenant, changes, self._now()))
            self._check_limits(changed, changes)
            seed = self._seed(tenant, changed)
            if changes.plan is not None:  # Also when it stays: that mends a fence that an earlier try left open.
                self._fence.place(tenant, changed.plan)
            if self._store.replace(changed, seed):
                if seed is not None:
                    self._plan_changes.seed(seed)
                return changed
        raise Conflict(f"Others are changing the tenant {tenant_id} at the same time. Nothing was changed; try again.")

    def limits(self, tenant: Tenant) -> Limits:
        """Return what the tenant may use: the plan's limits with its own over them."""
        plan = self._plans.get(tenant.plan)
        return (plan.limits if plan else Limits()).overridden(tenant.limits)

    def _seed(self, before: Tenant, after: Tenant) -> Seed | None:
        """Return what the meter is owed when it begins to count in mid-month."""
        was_metered, metered = (
            is_metered(self._plans.get(tenant.plan), self.limits(tenant)) for tenant in (before, after)
        )
        if was_metered or not metered:
            return None
        now = self._now()
        return Seed(
            tenant_id=after.id,
            meter=period_name("month", now, after.time_zone),
            start=month_of(now, after.time_zone)[0],
            until=now + LONGEST_REQUEST,
        )

    def _check_limits(self, changed: Tenant, changes: TenantChanges) -> None:
        plan = self._plans.get(changed.plan)
        limits = changes.limits.model_dump(exclude_unset=True) if changes.limits else {}
        if plan is not None and plan.prepaid and "requests_per_month" in limits:
            raise Invalid(
                f'The requests of the plan "{plan.name}" are bought or given, not granted by month. '
                f"POST /api/tenants/{changed.id}/payments writes a topup or a grant."
            )

    def _check_plan(self, name: str) -> Plan:
        if name not in self._plans:
            known = ", ".join(sorted(self._plans))
            raise Invalid(
                f'There is no plan "{name}". Take one of: {known}.',
                [{"in": "body", "field": "plan", "code": "unknown_plan", "message": f"Known plans: {known}."}],
            )
        return self._plans[name]


def _changed(tenant: Tenant, changes: TenantChanges, now: datetime) -> dict[str, Any]:
    changed = changes.model_dump(exclude_unset=True, exclude_none=True, exclude={"limits"})
    changed |= {name: getattr(changes, name) for name in _REMOVABLE & changes.model_fields_set}
    if changed.get("plan", tenant.plan) != tenant.plan:
        changed["plan_history"] = [*tenant.plan_history, PlanChange(plan=changed["plan"], since=now)]
    if "trial_until" in changes.model_fields_set and changes.trial_until is None and tenant.trial_until:
        changed["trial_until"] = min(tenant.trial_until, now)  # What was free stays free.
    if "limits" in changes.model_fields_set:
        own = changes.limits
        changed["limits"] = {} if own is None else tenant.limits | own.model_dump(exclude_unset=True)
    return changed
