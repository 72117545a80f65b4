"""Budgets hold to the micro-dollar, on one item and on several."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from smyth.platform.budgets import LEAST_ALLOWANCE, Budget
from smyth.platform.errors import BudgetExceeded, Busy, NotFound
from smyth.platform.metering import Figures
from tests.integration.metered import Metered

DOLLAR = 1_000_000
FEE = 100
RUN = 50_000


@pytest.fixture(params=["slow", "fast"])
def tenant(request: pytest.FixtureRequest) -> Metered:
    """A tenant whose budgets lie on one item, and one whose lie on eight."""
    return Metered(request.param)


def adds_up(tenant: Metered, budget: Budget) -> bool:
    standing = tenant.standing(budget)
    return standing.free >= 0 and standing.free + standing.reserved + standing.spent == standing.limit


def use_up(tenant: Metered, seed: int) -> int:
    """Ask for runs of random costs until the budget refuses one; return what they cost by what the ledger was told."""
    chance, paid = random.Random(seed), 0
    while True:
        try:
            admission = tenant.admit()
        except BudgetExceeded:
            return paid
        except Busy:  # Nothing was taken; on a slow machine 64 at once may wait longer than a request may.
            continue
        assert admission.reserved is not None
        cost = chance.randrange((admission.reserved - FEE) * 100 // 120)
        if chance.random() < 0.2:
            tenant.metering.release(admission)
        else:
            tenant.metering.settle(admission, Figures(model="m", provider_cost=cost))
            paid += admission.entry.cost_of(Figures(provider_cost=cost))


def test_64_callers_never_pass_a_dollar_and_leave_nothing_reserved(tenant: Metered) -> None:
    budget = tenant.set_budget(DOLLAR, per_run=RUN)
    with ThreadPoolExecutor(64) as pool:
        paid = sum(pool.map(lambda seed: use_up(tenant, seed), range(64)))
    paid += use_up(tenant, 64)  # Alone, so that nobody else's reservation is in the way of the last cent.
    standing = tenant.standing(budget)
    assert (standing.reserved, standing.spent) == (0, paid)
    assert standing.spent == sum(entry.price for entry in tenant.ledger) <= DOLLAR
    assert DOLLAR - standing.spent < FEE + LEAST_ALLOWANCE
    assert adds_up(tenant, budget)


def test_admission_and_settlement_are_two_write_calls_from_the_first_to_the_last_cent(tenant: Metered) -> None:
    budget = tenant.set_budget(8 * RUN, per_run=RUN)
    tenant.client.writes = admitted = 0
    while tenant.standing(budget).free >= FEE + LEAST_ALLOWANCE:
        admission = tenant.admit()
        tenant.metering.settle(admission, Figures(model="m", provider_cost=RUN // 2))
        admitted += 1
    assert tenant.client.writes == 2 * admitted
    with pytest.raises(BudgetExceeded):
        tenant.admit()


def test_what_is_left_is_reserved_when_it_is_less_than_a_run_may_cost(tenant: Metered) -> None:
    budget = tenant.set_budget(RUN + FEE + 5_000, per_run=RUN)
    assert [tenant.admit().reserved, tenant.admit().reserved] == [RUN + FEE, 5_000]
    assert tenant.standing(budget).free == 0
    with pytest.raises(BudgetExceeded):
        tenant.admit()


def test_a_refusal_names_the_budget_and_when_it_renews(tenant: Metered) -> None:
    tenant.set_budget(FEE, scope="agent:agt-1", period="day")
    with pytest.raises(BudgetExceeded, match=r"agent:agt-1.*2030-05-11T00:00:00") as refused:
        tenant.admit()
    assert refused.value.retry_after_s == 11.5 * 3600 - 15 + 1
    assert tenant.ledger == []


def test_a_request_counts_against_all_budgets_it_falls_under_and_no_other(tenant: Metered) -> None:
    own = [tenant.set_budget(DOLLAR, scope=scope) for scope in ("tenant", "agent:agt-1", "key:key-1")]
    other = tenant.set_budget(DOLLAR, scope="agent:agt-2")
    tenant.metering.settle(tenant.admit(), Figures(model="m", provider_cost=1_000))
    assert [tenant.standing(budget).spent for budget in own] == [FEE + 1_200] * 3
    assert tenant.standing(other).spent == 0


def test_the_tightest_bound_is_what_a_run_may_cost(tenant: Metered) -> None:
    tenant.set_budget(DOLLAR, per_run=30_000)
    tenant.set_budget(DOLLAR, scope="agent:agt-1", per_run=20_000)
    tenant.set_budget(2_000, scope="agent:agt-2")
    assert tenant.admit().reserved == FEE + 20_000
    assert tenant.admit(allowance=500).reserved == FEE + 500
    assert tenant.admit(agent_id="agt-2").reserved == 2_000


def test_a_callers_bound_needs_no_budget() -> None:
    tenant = Metered("slow")
    admission = tenant.admit(allowance=700, budgeted=False)
    assert (admission.reserved, admission.entry.budgets) == (FEE + 700, ())
    tenant.metering.settle(admission, Figures(model="m", provider_cost=10_000))
    assert tenant.ledger[0].price == FEE + 700


def test_a_provider_that_reports_more_than_was_reserved_costs_the_tenant_no_more(
    tenant: Metered, caplog: pytest.LogCaptureFixture
) -> None:
    budget = tenant.set_budget(DOLLAR, per_run=RUN)
    tenant.metering.settle(tenant.admit(), Figures(model="m", provider_cost=RUN))
    assert tenant.standing(budget).spent == tenant.ledger[0].price == RUN + FEE
    assert "10000 micro-USD more than was reserved" in caplog.text


@pytest.mark.parametrize("amount", [2 * DOLLAR, DOLLAR // 2])
def test_a_changed_amount_holds_from_the_next_request_on(tenant: Metered, amount: int) -> None:
    tenant.set_budget(DOLLAR, per_run=RUN)
    tenant.metering.settle(tenant.admit(), Figures(model="m", provider_cost=1_000))
    budget = tenant.set_budget(amount, per_run=RUN)
    tenant.admit()
    standing = tenant.standing(budget)
    assert (standing.limit, standing.reserved, standing.spent) == (amount, RUN + FEE, FEE + 1_200)
    assert adds_up(tenant, budget)
    assert {item["limit"] for item in tenant.shards(budget)} == {amount}


def test_a_budget_lowered_below_what_is_spent_refuses_until_it_is_raised(tenant: Metered) -> None:
    tenant.set_budget(DOLLAR, per_run=RUN)
    admission = tenant.admit()
    budget = tenant.set_budget(10_000, per_run=RUN)
    assert tenant.standing(budget).free < 0
    with pytest.raises(BudgetExceeded):
        tenant.admit()
    tenant.metering.release(admission)
    assert tenant.admit().reserved == 10_000


def test_who_read_a_budget_before_it_was_changed_does_not_take_the_change_back(tenant: Metered) -> None:
    old = tenant.set_budget(DOLLAR, per_run=RUN)
    new = tenant.set_budget(RUN, per_run=RUN)
    tenant.admit(allowance=RUN - FEE)
    tenant.store.budgets.all = lambda _: [old]  # type: ignore[method-assign]
    with pytest.raises(BudgetExceeded):
        tenant.admit()
    assert tenant.standing(new).free == 0


def test_a_fast_plan_spreads_what_is_free_and_gives_all_of_it_to_the_last(tenant: Metered) -> None:
    budget = tenant.set_budget(DOLLAR, per_run=RUN)
    tenant.admit()
    assert len(tenant.shards(budget)) == (8 if tenant.caller.plan == "fast" else 1)
    assert tenant.admit(allowance=DOLLAR).reserved == RUN + FEE
    rest = tenant.set_budget(DOLLAR, per_run=DOLLAR)
    assert tenant.admit().reserved == DOLLAR - 2 * (RUN + FEE)
    assert tenant.standing(rest).free == 0
    assert adds_up(tenant, rest)


def test_a_tenant_that_leaves_a_fast_plan_keeps_what_is_free_on_all_items() -> None:
    fast = Metered("fast")
    budget = fast.set_budget(DOLLAR, per_run=RUN)
    fast.admit()
    slow = Metered("slow", tenant_id=fast.caller.tenant_id)
    assert slow.admit(allowance=RUN).reserved == RUN + FEE
    slow.set_budget(DOLLAR, per_run=DOLLAR)
    assert slow.admit().reserved == DOLLAR - 2 * (RUN + FEE)
    assert adds_up(slow, budget)


def test_what_was_reserved_before_midnight_goes_back_to_the_day_it_came_from() -> None:
    tenant = Metered("slow", time_zone="Asia/Kolkata")
    tenant.now = datetime(2030, 5, 10, 18, 29, tzinfo=UTC)
    budget = tenant.set_budget(RUN, period="day")
    admission = tenant.admit()
    tenant.now += timedelta(minutes=1)  # It is midnight in India.
    assert tenant.admit().reserved == RUN
    tenant.metering.release(admission)
    assert tenant.standing(budget).free == 0
    tenant.now -= timedelta(minutes=1)
    assert tenant.standing(budget).free == RUN


def test_what_nobody_settles_is_free_again_after_the_sweep(tenant: Metered) -> None:
    budget = tenant.set_budget(DOLLAR, per_run=RUN)
    tenant.admit()
    tenant.metering.note(tenant.admit(), Figures(model="m", provider_cost=100))
    tenant.now += timedelta(hours=1)
    tenant.metering.sweep()
    standing = tenant.standing(budget)
    assert (standing.reserved, standing.spent, standing.free) == (0, FEE + 120, DOLLAR - FEE - 120)


def test_a_tenant_has_budgets_as_long_as_one_is_left() -> None:
    tenant = Metered("slow")
    for scope in ("tenant", "key:key-1"):
        tenant.set_budget(1, scope=scope)
    told = []
    for scope in ("tenant", "tenant", "key:key-1"):
        removed = tenant.store.budgets.remove(tenant.caller.tenant_id, scope)
        meta = tenant.table.get(f"T#{tenant.caller.tenant_id}", "META") or {}
        told.append((removed, meta["budgeted"]))
    assert told == [(True, True), (False, True), (True, False)]
    assert tenant.admit().reserved is None


def test_a_budget_of_a_tenant_that_does_not_exist_is_refused(tenant: Metered) -> None:
    with pytest.raises(NotFound):
        tenant.store.budgets.put("ten-nobody", Budget(scope="tenant", amount=1, period="day"))


def admitted_with(tenant: Metered, callers: int) -> int:
    """Let callers ask all at once; return how many were let in, by one write call for each who asked."""

    def ask(_: int) -> bool:
        try:
            tenant.admit()
        except BudgetExceeded:
            return False
        return True

    tenant.client.writes = tenant.client.repeated = 0
    with ThreadPoolExecutor(callers) as pool:
        admitted = sum(pool.map(ask, range(callers)))
    assert tenant.client.writes - tenant.client.repeated <= callers
    return admitted


@pytest.mark.parametrize("plan", ["slow", "fast"])
def test_callers_who_open_a_period_at_once_write_once_each(plan: str) -> None:
    tenant = Metered(plan)
    budgets = [tenant.set_budget(1_000 * DOLLAR, scope=scope, per_run=RUN) for scope in ("tenant", "key:key-1")]
    assert admitted_with(tenant, 64) == 64
    for budget in budgets:
        assert tenant.standing(budget).reserved == 64 * (RUN + FEE)
        assert adds_up(tenant, budget)


def test_callers_who_race_at_the_end_of_a_budget_write_once_each() -> None:
    tenant = Metered("slow")
    budget = tenant.set_budget(20 * (RUN + FEE), per_run=RUN)
    tenant.admit()
    assert admitted_with(tenant, 64) == 19
    assert tenant.standing(budget).free == 0


def test_who_opens_a_period_with_a_changed_limit_meets_the_one_that_was_opened_before() -> None:
    tenant = Metered("fast")
    old = tenant.set_budget(DOLLAR, per_run=RUN)
    new = tenant.set_budget(2 * DOLLAR, per_run=RUN)
    late = Metered("fast", tenant_id=tenant.caller.tenant_id)
    read = late.store.budgets._seen

    def seen_before_it_was_opened(*args: Any) -> Any:
        late.store.budgets._seen = read  # type: ignore[method-assign]
        seen = read(*args)
        tenant.store.budgets.all = lambda _: [old]  # type: ignore[method-assign]
        tenant.admit()
        return seen

    late.store.budgets._seen = seen_before_it_was_opened  # type: ignore[method-assign]
    late.admit()
    standing = tenant.standing(new)
    assert (standing.limit, standing.reserved) == (2 * DOLLAR, 2 * (RUN + FEE))
    assert adds_up(tenant, new)
