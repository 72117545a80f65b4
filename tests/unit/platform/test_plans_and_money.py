"""Plans as a stack and a tenant override them, and money as text."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from smyth.platform.money import marked_up, share, usd
from smyth.platform.plans import PLANS, Limits, RunLimits, load_plans


def test_a_stack_changes_single_members_of_a_plan() -> None:
    basic = load_plans({"basic": {"limits": {"agents": 9}, "throttle": {"rate": 50}}})["basic"]
    assert basic.limits == Limits(requests_per_month=1_000, agents=9, storage_bytes=1024**3)
    assert (basic.throttle.rate, basic.throttle.burst, basic.price_per_month) == (50, 10, 29_000_000)


def test_a_new_name_makes_a_plan() -> None:
    plans = load_plans({"team": {"price_per_month": 1, "throttle": {"rate": 1, "burst": 1}}})
    assert (plans["team"].name, set(plans)) == ("team", {*PLANS, "team"})


@pytest.mark.parametrize("override", [{"limits": {"cats": 1}}, {"price_per_request": -1}, {"throttle": {"rate": 0}}])
def test_an_override_that_makes_no_sense_is_refused(override: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        load_plans({"basic": override})


def test_a_tenants_own_limit_may_be_none() -> None:
    limits = PLANS["basic"].limits.overridden({"requests_per_month": None})
    assert limits == Limits(requests_per_month=None, agents=5, storage_bytes=1024**3)


def test_of_two_sets_of_run_limits_the_stricter_count_one_by_one() -> None:
    stack = RunLimits(components=500, seconds=10, expand_caller_data=True)
    plan = RunLimits(components=900, output_bytes=7, expand_caller_data=False)
    both = RunLimits(components=500, seconds=10, output_bytes=7, expand_caller_data=False)
    assert stack.tightened(plan) == plan.tightened(stack) == both
    assert stack.tightened(RunLimits()) == RunLimits().tightened(stack) == stack


def test_a_stack_changes_single_run_limits_of_a_plan() -> None:
    plans = load_plans({"basic": {"run_limits": {"components": 100}}})
    assert plans["basic"].run_limits == RunLimits(components=100)
    assert plans["pro"].run_limits == RunLimits()


@given(st.integers(-(10**15), 10**15))
def test_money_is_written_with_six_places_and_nothing_is_lost(micro: int) -> None:
    text = usd(micro)
    assert len(text.partition(".")[2]) == 6
    assert Decimal(text) * 1_000_000 == micro


@given(st.integers(0, 10**15), st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_share_is_the_whole_number_nearest_to_it_and_halves_go_up(amount: int, part: int, whole: int) -> None:
    exact = Decimal(amount) * part / whole
    assert abs(share(amount, part, whole) - exact) <= Decimal("0.5")
    assert [share(cents, 1, 2) for cents in (1, 2, 3)] == [1, 1, 2]


@pytest.mark.parametrize(
    ("cost", "percent", "paid"), [(100, 0, 100), (101, 20, 121), (5, 10, 6), (4, 10, 4), (0, 99, 0)]
)
def test_a_markup_comes_on_top_of_the_cost_and_halves_go_up(cost: int, percent: int, paid: int) -> None:
    assert marked_up(cost, percent) == paid
