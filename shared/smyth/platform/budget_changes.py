"""Setting budgets: what may be limited, how, and where a tenant's budgets stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from smyth.platform.agents import Agents
from smyth.platform.budgets import LEAST_ALLOWANCE, Budget, BudgetStore, Spending
from smyth.platform.errors import Invalid, LimitReached, NotFound
from smyth.platform.ids import AGENT, KEY, is_id
from smyth.platform.keys import KeyStore
from smyth.platform.money import usd
from smyth.platform.payments import Amount
from smyth.platform.periods import Period, renews_at
from smyth.platform.times import Clock, utc_now

TENANT = "tenant"
#: All of a tenant's budgets are read at each admission.
MOST_BUDGETS = 100


class BudgetFields(BaseModel):
    """What a budget is made from."""

    model_config = ConfigDict(extra="forbid")

    amount: Amount = Field(description="What may be spent in a period, in USD: fees, and models with markup.")
    period: Period = Field(default="month", description="When it begins anew: day, month, or total for never.")
    per_run: Amount | None = Field(
        default=None, description="What the models of one request may cost, in USD; null: as the stack has it."
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """A budget, and where it stands."""

    budget: Budget
    spending: Spending
    #: None: never.
    renews_at: datetime | None


class Budgets:
    """The use cases of budgets. Another tenant's agent or key is as unknown as one that does not exist."""

    def __init__(self, store: BudgetStore, agents: Agents, keys: KeyStore, clock: Clock = utc_now) -> None:
        self._store = store
        self._agents = agents
        self._keys = keys
        self._now = clock

    def all(self, tenant_id: str, time_zone: str) -> list[Standing]:
        """Return a tenant's budgets as they stand, the tenant's own first."""
        found = sorted(self._store.all(tenant_id), key=lambda budget: (budget.scope != TENANT, budget.scope))
        return [self._standing(tenant_id, budget, time_zone) for budget in found]

    def put(self, tenant_id: str, scope: str, fields: BudgetFields, time_zone: str) -> Standing:
        """Set the budget of a scope; it holds from the next request on, and what was spent stays spent.

        Raises:
            NotFound: There is no such scope.
            Invalid: So little would let nothing through.
            LimitReached: The tenant has too many budgets.
        """
        self._check_scope(tenant_id, scope)
        if 0 < fields.amount < LEAST_ALLOWANCE:
            detail = f"A budget of less than ${usd(LEAST_ALLOWANCE)} lets no request through. Set more, or 0 for none."
            raise Invalid(detail, [{"in": "body", "field": "amount", "code": "too_small", "message": detail}])
        others = [budget for budget in self._store.all(tenant_id) if budget.scope != scope]
        if len(others) >= MOST_BUDGETS:
            raise LimitReached(f"A tenant may have {MOST_BUDGETS} budgets. Delete one that you no longer need.")
        budget = Budget(scope=scope, **fields.model_dump())
        return self._standing(tenant_id, self._store.put(tenant_id, budget), time_zone)

    def delete(self, tenant_id: str, scope: str) -> None:
        """Take the budget of a scope away.

        Raises:
            NotFound: The scope has none.
        """
        if not self._store.remove(tenant_id, scope):
            raise NotFound(f'There is no budget "{scope}". GET /api/budgets lists those there are.')

    def _standing(self, tenant_id: str, budget: Budget, time_zone: str) -> Standing:
        now = self._now()
        spending = self._store.standing(tenant_id, budget, now, time_zone)
        return Standing(budget, spending, renews_at(budget.period, now, time_zone))

    def _check_scope(self, tenant_id: str, scope: str) -> None:
        kind, _, id = scope.partition(":")
        if scope == TENANT:
            return
        if kind == "agent" and is_id(AGENT, id):
            self._agents.get(tenant_id, id)
        elif kind != "key" or not is_id(KEY, id):
            raise NotFound(f'A budget limits "{TENANT}", "agent:<id>" or "key:<id>"; "{scope}" is none of these.')
        elif self._keys.get(tenant_id, id) is None:
            raise NotFound(f"There is no key {id}. GET /api/keys lists those there are.")
