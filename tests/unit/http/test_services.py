"""What functions work with, as the stack's settings make it."""

from __future__ import annotations

from typing import Any

from smyth.engine import Limits
from smyth.http.services import Services
from smyth.http.settings import Settings


def limits(plan: str, **given: Any) -> Limits:
    return Services(Settings(table_name="t", bucket_name="b", **given)).limits(plan)


def test_a_run_may_use_what_the_engine_allows_unless_the_stack_says_less() -> None:
    assert limits("basic") == Limits()
    assert limits("basic", limits={"seconds": 5, "expand_caller_data": False}) == Limits(
        seconds=5, expand_caller_data=False
    )


def test_a_plan_tightens_what_the_stack_grants_and_never_widens_it() -> None:
    plans = {"basic": {"run_limits": {"components": 100, "seconds": 60}}}
    given = {"limits": {"seconds": 5}, "plans": plans}
    assert limits("basic", **given) == Limits(components=100, seconds=5)
    assert limits("pro", **given) == Limits(seconds=5)


def test_a_tenant_whose_plan_is_no_longer_offered_runs_under_the_stacks_limits() -> None:
    assert limits("gone", limits={"seconds": 5}) == Limits(seconds=5)
