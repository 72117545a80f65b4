"""Money in, money out, and the parts of a month."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smyth.http.money.invoice_html import short
from smyth.platform.invoice_lines import lines, tax_on
from smyth.platform.invoices import bounds
from smyth.platform.money import micro, usd
from smyth.platform.plans import PLANS, load_plans
from smyth.platform.tenants import PlanChange, Tenant

MAY, JUNE = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
MINUTES = 31 * 24 * 60


def tenant(changes: list[tuple[str, datetime]], trial_until: datetime | None = None) -> Tenant:
    return Tenant(
        id="ten-1",
        name="T",
        plan=changes[-1][0],
        usage_identifier="",
        created_at=changes[0][1],
        trial_until=trial_until,
        plan_history=[PlanChange(plan=plan, since=since) for plan, since in changes],
    )


def charged(of: Tenant) -> list[tuple[str, int]]:
    found = lines(of, start=MAY, end=JUNE, plans=PLANS, rows=[], payments=[])
    return [(line.kind, line.amount) for line in found]


@given(st.integers(min_value=0, max_value=10**15 - 1))  # Nine digits of dollars.
def test_amounts_are_read_as_they_are_written(amount: int) -> None:
    assert micro(usd(amount)) == amount


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.", ".5", "1e3", "1,00", " 1", "1\n", "0.0000001", "1" * 10, "٣"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        micro(text)


@given(st.lists(st.integers(min_value=1, max_value=MINUTES - 1), unique=True, max_size=6))
def test_one_plan_taken_up_again_and_again_costs_its_price(minutes: list[int]) -> None:
    changes = [MAY, *(MAY + timedelta(minutes=at) for at in sorted(minutes))]
    amounts = [amount for _, amount in charged(tenant([("pro", since) for since in changes]))]
    assert abs(sum(amounts) - 99_000_000) <= len(amounts)  # Each part is rounded to a millionth.


@given(st.integers(min_value=0, max_value=MINUTES), st.integers(min_value=0, max_value=MINUTES))
def test_an_upgrade_never_costs_less_than_the_smaller_nor_more_than_the_larger_plan(up: int, trial: int) -> None:
    changes = [("basic", MAY), ("pro", MAY + timedelta(minutes=up))]
    full = sum(amount for _, amount in charged(tenant(changes)))
    tried = sum(amount for _, amount in charged(tenant(changes, MAY + timedelta(minutes=trial))))
    assert 29_000_000 <= full <= 99_000_000
    assert 0 <= tried <= full


def test_plans_without_a_monthly_price_and_those_that_are_gone_make_no_line() -> None:
    halfway = MAY + timedelta(days=10)
    assert charged(tenant([("payg", MAY), ("gone", halfway)])) == []
    assert load_plans({})["prepaid"].price_per_month == 0


def test_months_follow_each_other_without_a_gap_where_the_clock_changes() -> None:
    months = [bounds(f"2026-{month:02d}", "Europe/Berlin") for month in range(1, 13)]
    assert all(one[1] == other[0] for one, other in pairwise(months))
    assert months[2][1] - months[2][0] == timedelta(days=31) - timedelta(hours=1)


def test_tax_is_rounded_half_up_and_never_owed_back() -> None:
    assert tax_on(50, 100) == 1  # Half a millionth.
    assert tax_on(49, 100) == 0
    assert tax_on(-1_000_000, 1_900) == 0


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("29.000000", "29.00"), ("0.012345", "0.012345"), ("-5.250000", "-5.25"), ("0.100100", "0.1001"), (None, "")],
)
def test_money_has_as_many_places_as_it_needs(amount: str | None, shown: str) -> None:
    assert short(amount) == shown
