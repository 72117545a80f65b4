"""Whatever order requests, payments, changes of plans and budgets, sweeps and faults come in: the ledger explains all.

Every total there is can be rebuilt from the ledger and equals it to the request and to the micro-dollar.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule
from ulid import ULID

from smyth.aws.metering import grant_write, take_back_write
from smyth.aws.table import ConditionFailed
from smyth.platform.budgets import Budget
from smyth.platform.entries import Entry
from smyth.platform.errors import BudgetExceeded, Busy, PaymentRequired, QuotaExceeded
from smyth.platform.idempotency import Answer, Claim, Taken, new_claim
from smyth.platform.metering import Admission, Figures
from tests.integration.metered import ALL_PLANS, ROUTE, Metered
from tests.integration.test_metering_under_faults import answer_lost, answer_lost_and_sent_again, cancelled

MONTH = "2030-05"
FAULTS = st.lists(
    st.sampled_from([answer_lost, answer_lost_and_sent_again, cancelled("TransactionConflict")]), max_size=2
)
PLANS = {name: ALL_PLANS[name] for name in ("basic", "generous", "prepaid", "slow", "fast")}
GRANTS = {"basic": 4, "generous": 2}
SCOPES = ("tenant", "agent:agt-1", "key:key-1")


def counted(entries: list[Entry]) -> int:
    return sum(entry.status != "released" for entry in entries)


class Ledger(RuleBasedStateMachine):
    """Calls metering in any order, also twice, late, and with faults on the way."""

    admissions: Bundle[Admission] = Bundle("admissions")

    def __init__(self) -> None:
        super().__init__()
        # Sweeps ask shard by shard; that they ask all is tested with the faults. One makes this four times as quick.
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("smyth.aws.metering._LEASE_SHARDS", 1)
        self.tenant = Metered("basic", limits=(("requests_per_month", 4),))
        self.plan = "basic"
        self.paid_for = 0
        self.budgets: dict[str, Budget] = {}
        self.final: dict[str, str] = {}

    def teardown(self) -> None:
        self.patch.undo()

    @rule(
        target=admissions,
        faults=FAULTS,
        allowance=st.sampled_from([None, 300, 5_000]),
        repeated=st.sampled_from([None, "a", "b"]),
    )
    def admit(self, faults: list[object], allowance: int | None, repeated: str | None) -> Any:
        self.tenant.client.faults = list(faults)  # type: ignore[arg-type]
        request_id = str(ULID())
        limits = (("requests_per_month", GRANTS[self.plan]),) if self.plan in GRANTS else ()
        try:
            admitted = self.tenant.metering.admit(
                replace(self.tenant.caller, plan=self.plan, limits=limits, budgeted=bool(self.budgets)),
                request_id=request_id,
                route=ROUTE,
                agent_id="agt-1",
                claim=self._claim(repeated, request_id) if repeated else None,
                allowance=allowance,
            )
        except QuotaExceeded:
            assert (self.plan, self._used(MONTH) >= 4) == ("basic", True)
            return multiple()
        except PaymentRequired:
            assert (self.plan, self._used("prepaid")) == ("prepaid", self.paid_for)
            return multiple()
        except BudgetExceeded:
            assert min(self.tenant.standing(budget).free for budget in self.budgets.values()) < 1_000 + 700
            return multiple()
        except Busy:  # Its answer was lost: whether it is there, the ledger knows, and the sweeper ends it.
            assert faults
            return multiple()
        finally:
            self.tenant.client.faults = []
        if isinstance(admitted, Taken):
            assert repeated
            return multiple()
        if admitted.entry.overage:
            assert self._used(MONTH) > 2
        return admitted

    @rule(admission=admissions, cost=st.integers(0, 6_000), faults=FAULTS)
    def settle(self, admission: Admission, cost: int, faults: list[object]) -> None:
        self.tenant.client.faults = list(faults)  # type: ignore[arg-type]
        self.tenant.metering.settle(admission, Figures(provider_cost=cost), Answer(200, "text/plain", b""))
        self.tenant.client.faults = []

    @rule(admission=admissions)
    def release(self, admission: Admission) -> None:
        self.tenant.metering.release(admission)

    @rule(admission=admissions, cost=st.integers(1, 6_000))
    def note(self, admission: Admission, cost: int) -> None:
        self.tenant.metering.note(admission, Figures(provider_cost=cost))

    @rule(seconds=st.sampled_from([1, 70]))
    def expire(self, seconds: int) -> None:
        self.tenant.now += timedelta(seconds=seconds)
        self.tenant.metering.sweep()

    @rule(plan=st.sampled_from(sorted(PLANS)))
    def change_plan(self, plan: str) -> None:
        self.plan = plan

    @rule(requests=st.integers(1, 3))
    def top_up(self, requests: int) -> None:
        self.tenant.table.write(grant_write(self.tenant.caller.tenant_id, requests))
        self.paid_for += requests

    @rule(requests=st.integers(1, 3))
    def refund(self, requests: int) -> None:
        meter = self.tenant.store.meter(self.tenant.caller.tenant_id, "prepaid")
        left = meter.granted - meter.used
        try:
            self.tenant.table.write(take_back_write(self.tenant.caller.tenant_id, requests, meter))
        except ConditionFailed:
            assert left < requests
        else:
            assert left >= requests
            self.paid_for -= requests

    @rule(scope=st.sampled_from(SCOPES), amount=st.sampled_from([0, 3_000, 20_000]), per_run=st.sampled_from([2_000]))
    def set_budget(self, scope: str, amount: int, per_run: int) -> None:
        self.budgets[scope] = self.tenant.set_budget(amount, scope=scope, per_run=per_run)

    @rule(scope=st.sampled_from(SCOPES))
    def remove_budget(self, scope: str) -> None:
        removed = self.tenant.store.budgets.remove(self.tenant.caller.tenant_id, scope)
        assert removed == (self.budgets.pop(scope, None) is not None)

    @invariant()
    def meters_are_the_count_of_the_ledger(self) -> None:
        ledger = self.tenant.ledger
        for meter in (MONTH, "prepaid"):
            assert self._used(meter) == counted([entry for entry in ledger if entry.meter == meter])
        assert self._used("prepaid") <= self.paid_for
        in_grant = [entry for entry in ledger if entry.meter == MONTH and not entry.overage]
        assert counted(in_grant) <= max(GRANTS.values())

    @invariant()
    def budgets_are_the_sum_of_the_ledger_to_the_micro_dollar(self) -> None:
        ledger = self.tenant.ledger
        for scope in SCOPES:
            of_scope = [
                entry for entry in ledger if any(place.startswith(f"{scope}#{MONTH}/") for place in entry.budgets)
            ]
            items = self.tenant.shards(Budget(scope=scope, amount=0, period="month"))
            spent = sum(entry.price for entry in of_scope if entry.status == "settled")
            reserved = sum(entry.reserved or 0 for entry in of_scope if entry.status == "reserved")
            assert sum(item["spent"] for item in items) == spent
            assert sum(item["reserved"] for item in items) == reserved
            assert all(item["free"] >= 0 for item in items)
            if items:
                newest = max(items, key=lambda item: item["revision"])
                assert sum(item["free"] for item in items) + spent + reserved == newest["limit"]

    @invariant()
    def what_is_final_stays_and_costs_what_it_should(self) -> None:
        ledger = self.tenant.ledger
        now = {entry.request_id: entry.model_dump_json() for entry in ledger if entry.status != "reserved"}
        assert self.final.items() <= now.items()
        self.final = now
        for entry in ledger:
            full = entry.cost_of(entry) if entry.status == "settled" else 0
            assert entry.price == (full if entry.reserved is None else min(full, entry.reserved))

    def _used(self, meter: str) -> int:
        return self.tenant.store.meter(self.tenant.caller.tenant_id, meter).used

    def _claim(self, name: str, request_id: str) -> Claim:
        return new_claim(
            tenant_id=self.tenant.caller.tenant_id,
            route=ROUTE,
            key=name,
            content=b"",
            request_id=request_id,
            now=self.tenant.now,
            lease=timedelta(seconds=60),
        )


Ledger.TestCase.settings = settings(
    max_examples=8, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
TestLedger = Ledger.TestCase
