"""Budgets: how much a tenant, one of its agents or one of its keys may spend in a day, a month, or ever.

A budget counts what the tenant pays: fees and the models' cost with the plan's
markup, from the moment it was set. Admission reserves the worst case, settlement
turns into spent what the request really cost and frees the rest, so the sum never
passes the budget.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from smyth.platform.errors import BudgetExceeded
from smyth.platform.money import usd
from smyth.platform.periods import Period, period_name, renews_at, seconds_until
from smyth.platform.times import rfc3339

#: A request whose models may cost less than this is not worth starting.
LEAST_ALLOWANCE = 1_000


class Budget(BaseModel):
    """How much a scope may spend in a period. Money in micro-USD."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: ``tenant``, ``agent:<id>`` or ``key:<id>``.
    scope: str
    amount: int = Field(ge=0)
    period: Period
    #: What the models of one run may cost at the most; None: as the stack has it.
    per_run: int | None = Field(default=None, ge=0)
    #: Grows with every change, so that a change is never taken back by whoever read the budget before it.
    revision: int = 0

    def spending(self, now: datetime, time_zone: str) -> str:
        """Return what the spending of the period of ``now`` is called: ``agent:agt-1#2026-05``."""
        return f"{self.scope}#{period_name(self.period, now, time_zone)}"


class Spending(BaseModel):
    """Where a budget stands in one period, in micro-USD; ``free``, ``reserved`` and ``spent`` add up to ``limit``."""

    model_config = ConfigDict(frozen=True)

    limit: int
    free: int
    reserved: int = 0
    spent: int = 0


class Hold(BaseModel):
    """What a request needs of budgets to be let in. Money in micro-USD."""

    model_config = ConfigDict(frozen=True)

    budgets: tuple[Budget, ...]
    #: What its models may cost at the most, reserved besides the fee where so much is left.
    allowance: int
    #: What must be left for them at least.
    least: int
    time_zone: str = "UTC"
    #: Over how many items each budget is spread.
    shards: int = 1


class Overspent(Exception):
    """A budget has too little left; nothing was written."""

    def __init__(self, budget: Budget, left: int) -> None:
        super().__init__(budget.scope)
        self.budget = budget
        self.left = left


class BudgetStore(Protocol):
    """Where budgets and what was spent of them live."""

    def all(self, tenant_id: str) -> list[Budget]:
        """Return a tenant's budgets, as written last."""
        ...

    def put(self, tenant_id: str, budget: Budget) -> Budget:
        """Set a scope's budget, in place of the one it has; it holds for the next admission."""
        ...

    def remove(self, tenant_id: str, scope: str) -> bool:
        """Take a scope's budget away; False when it has none."""
        ...

    def standing(self, tenant_id: str, budget: Budget, now: datetime, time_zone: str = "UTC") -> Spending:
        """Return where a budget stands in the period of ``now``."""
        ...


def applicable(budgets: Iterable[Budget], *, agent_id: str, key_id: str) -> tuple[Budget, ...]:
    """Return the budgets that a request of a key to an agent counts against."""
    scopes = {"tenant", f"agent:{agent_id}", f"key:{key_id}"}
    return tuple(budget for budget in budgets if budget.scope in scopes)


def refusal(overspent: Overspent, now: datetime, time_zone: str) -> BudgetExceeded:
    """Return the refusal of a request that a budget has too little left for: which, and when it renews."""
    budget = overspent.budget
    renewal = renews_at(budget.period, now, time_zone)
    left, amount = usd(max(0, overspent.left)), usd(budget.amount)
    detail = f'The budget "{budget.scope}" has ${left} of ${amount} left, which this request could pass. '
    if renewal is None:
        return BudgetExceeded(f"{detail}It does not renew; an admin can raise it.")
    detail += f"It renews at {rfc3339(renewal)}; an admin can raise it before."
    return BudgetExceeded(detail, retry_after_s=seconds_until(renewal, now))
