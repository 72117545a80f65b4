"""Tenants that change their plan: the history that bills read, and the meter that learns what was used before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ulid import ULID

from smyth.http.services import services
from smyth.platform.access import Caller
from smyth.platform.errors import Invalid, PaymentRequired, QuotaExceeded
from smyth.platform.metering import Admission, Figures, Metering
from smyth.platform.plan_changes import LONGEST_REQUEST, PlanChanges
from smyth.platform.plans import Limits
from smyth.platform.tenants import NewTenant, Tenant, TenantChanges, Tenants
from smyth.platform.usage import Usage
from tests.integration.events import new_tenant_id

ROUTE = "POST /api/agents/{agent_id}/prompt"
NOON = datetime(2030, 5, 15, 12, tzinfo=UTC)


class Cloud:
    """Tenants and their meters at a time of our own."""

    def __init__(self) -> None:
        self.now = NOON
        self.metering = Metering(services().meter.store, services().plans, self.clock)
        usage = Usage(self.metering.store, services().usage._rollups, self.clock)
        self.changes = PlanChanges(services().plan_changes._store, usage, self.clock)
        own = services().tenants
        self.tenants = Tenants(own._store, own._fence, services().plans, self.changes, services().payments, self.clock)

    def clock(self) -> datetime:
        return self.now

    def tenant(self, **fields: Any) -> Tenant:
        return self.tenants.create(NewTenant.model_validate({"name": "t"} | fields))

    def change(self, tenant: Tenant, **changes: Any) -> Tenant:
        return self.tenants.update(tenant.id, TenantChanges.model_validate(changes))

    def admit(self, tenant: Tenant, plan: str = "") -> Admission:
        limits = tuple(tenant.limits.items())
        caller = Caller(tenant.id, "owner", "key", plan or tenant.plan, limits, time_zone=tenant.time_zone)
        admitted = self.metering.admit(caller, request_id=str(ULID.from_datetime(self.now)), route=ROUTE)
        assert isinstance(admitted, Admission)
        return admitted

    def answer(self, tenant: Tenant, times: int) -> None:
        for _ in range(times):
            self.metering.settle(self.admit(tenant), Figures())

    def used(self, tenant: Tenant) -> int:
        return self.metering.store.meter(tenant.id, "2030-05").used


@pytest.fixture
def cloud_at_noon(cloud: str) -> Cloud:
    return Cloud()


def test_every_plan_of_a_tenant_is_remembered_with_its_beginning(cloud_at_noon: Cloud) -> None:
    there = cloud_at_noon
    tenant = there.tenant(plan="basic")
    there.now += timedelta(days=3)
    there.change(tenant, plan="pro")
    there.change(tenant, plan="pro", name="renamed")
    read = there.tenants.get(tenant.id)
    assert [(one.plan, one.since) for one in read.plan_history] == [("basic", NOON), ("pro", there.now)]
    assert read.plan_since == there.now


def test_a_month_without_limit_counts_when_the_tenant_comes_to_a_limited_plan(cloud_at_noon: Cloud) -> None:
    there = cloud_at_noon
    tenant = there.tenant(plan="enterprise", limits={"agents": 3})
    there.answer(tenant, 3)
    there.metering.release(there.admit(tenant))
    there.now += timedelta(days=1)
    tenant = there.change(tenant, plan="basic", limits={"requests_per_month": 5})
    there.answer(tenant, 2)
    with pytest.raises(QuotaExceeded):
        there.admit(tenant)


def test_a_month_that_ended_does_not_count_in_the_time_zone_of_the_tenant(cloud_at_noon: Cloud) -> None:
    there = cloud_at_noon
    there.now = datetime(2030, 5, 31, 14, tzinfo=UTC)
    tenant = there.tenant(plan="enterprise", time_zone="Asia/Tokyo")
    there.answer(tenant, 2)
    there.now += timedelta(hours=2)  # June has begun in Tokyo.
    there.answer(tenant, 1)
    tenant = there.change(tenant, plan="basic", limits={"requests_per_month": 2})
    there.answer(tenant, 1)
    with pytest.raises(QuotaExceeded):
        there.admit(tenant)


def test_moving_to_and_fro_counts_no_request_twice(cloud_at_noon: Cloud) -> None:
    there = cloud_at_noon
    tenant = there.tenant(plan="basic")
    for plan in ("enterprise", "basic", "enterprise", "basic"):
        there.answer(tenant, 1)
        there.now += timedelta(hours=1)
        tenant = there.change(tenant, plan=plan)
    assert there.used(tenant) == 4


def test_requests_at_work_during_the_change_are_counted_by_how_they_end(cloud_at_noon: Cloud) -> None:
    there = cloud_at_noon
    tenant = there.tenant(plan="enterprise")
    answered, failed = there.admit(tenant), there.admit(tenant)
    tenant = there.change(tenant, plan="basic")
    late = there.admit(tenant, plan="enterprise")  # Its caller was found before the change.
    assert there.used(tenant) == 2
    for admission in (answered, late):
        there.metering.settle(admission, Figures())
    there.metering.release(failed)
    there.now += LONGEST_REQUEST + timedelta(minutes=1)
    there.changes.go_on()
    assert there.used(tenant) == 2
    assert tenant.id not in {seed.tenant_id for seed in services().plan_changes._store.waiting()}
    there.changes.go_on()
    assert there.used(tenant) == 2


def test_a_change_whose_process_died_is_taken_up_by_the_tick(
    cloud_at_noon: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = cloud_at_noon
    tenant = there.tenant(plan="enterprise")
    there.answer(tenant, 4)

    def die(_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(there.changes, "seed", die)
        with pytest.raises(SystemExit):
            there.change(tenant, plan="basic")
    assert there.tenants.get(tenant.id).plan == "basic"
    there.changes.go_on()
    assert there.used(tenant) == 4


def test_a_trial_is_the_plans_or_the_tenants_own_and_can_be_changed(cloud_at_noon: Cloud) -> None:
    there = cloud_at_noon
    plans = dict(services().plans) | {"try": services().plans["basic"].model_copy(update={"trial_days": 14})}
    there.tenants._plans = plans
    assert there.tenant(plan="basic").trial_until is None
    tenant = there.tenant(plan="try")
    assert tenant.trial_until == NOON + timedelta(days=14)
    assert there.tenant(plan="try", trial_days=30).trial_until == NOON + timedelta(days=30)
    assert there.tenant(plan="try", trial_days=0).trial_until is None
    assert there.change(tenant, plan="basic").trial_until == NOON + timedelta(days=14)
    assert there.change(tenant, trial_until=None).trial_until == there.now  # What was free stays free.
    later = there.now + timedelta(days=3)
    assert there.change(tenant, trial_until=later.isoformat()).trial_until == later


def test_a_tenant_of_an_earlier_version_has_had_its_plan_from_the_start() -> None:
    old = {"id": "ten-1", "name": "t", "plan": "pro", "usage_identifier": "u", "created_at": NOON}
    tenant = Tenant.model_validate(old)
    assert [(one.plan, one.since) for one in tenant.plan_history] == [("pro", NOON)]
    assert replace(Caller("ten-1", "owner", "k"), plan=tenant.plan).time_zone == tenant.time_zone == "UTC"


def test_a_prepaid_tenant_begins_with_what_it_is_given_and_no_more(cloud_at_noon: Cloud) -> None:
    there = cloud_at_noon
    fields = NewTenant(name="t", plan="prepaid", limits=Limits(requests_per_month=2))
    tenant_id = new_tenant_id()
    tenant = there.tenants.create(fields, tenant_id=tenant_id)
    assert there.tenants.create(fields, tenant_id=tenant_id) == tenant
    assert tenant.limits == {}
    there.answer(tenant, 2)
    with pytest.raises(PaymentRequired):
        there.admit(tenant)
    with pytest.raises(PaymentRequired):
        there.admit(there.tenant(plan="prepaid"))
    with pytest.raises(Invalid):
        there.change(tenant, limits={"requests_per_month": 9})
