"""A tenant whose requests are metered on a real table, with a clock and a price list of the test's own."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ulid import ULID

from smyth.aws.bucket import Bucket
from smyth.aws.idempotency import DynamoClaims
from smyth.aws.metering import DynamoMeter
from smyth.aws.table import Table, key, put_new
from smyth.http.services import services
from smyth.platform.access import Caller
from smyth.platform.budgets import Budget, Spending
from smyth.platform.entries import Entry
from smyth.platform.metering import Admission, Metering
from smyth.platform.plans import PLANS, Limits, Plan, Throttle
from tests.integration.events import new_tenant_id
from tests.integration.test_metering_under_faults import Faulty

ROUTE = "POST /api/agents/{agent_id}/prompt"
_SLOW, _FAST = Throttle(rate=20, burst=50), Throttle(rate=200, burst=400)
#: The price list, and plans for what it does not have; money in micro-USD.
ALL_PLANS = PLANS | {
    plan.name: plan
    for plan in (
        Plan(name="slow", price_per_request=100, model_markup_percent=20, throttle=_SLOW),
        Plan(name="fast", price_per_request=100, model_markup_percent=20, throttle=_FAST),
        Plan(
            name="generous",
            price_per_request=10,
            overage_per_request=700,
            limits=Limits(requests_per_month=2),
            throttle=_SLOW,
        ),
    )
}


class Metered:
    """One tenant, and metering with a client that counts its writes."""

    def __init__(self, plan: str, *, tenant_id: str = "", **caller: Any) -> None:
        self.client = Faulty(services().table.client)
        self.table = Table(os.environ["TABLE_NAME"], self.client)  # type: ignore[arg-type]
        self.store = DynamoMeter(self.table, DynamoClaims(self.table, Bucket(os.environ["BUCKET_NAME"])))
        self.now = datetime(2030, 5, 10, 12, 30, 15, tzinfo=UTC)
        self.metering = Metering(self.store, ALL_PLANS, lambda: self.now)
        self.caller = Caller(tenant_id or new_tenant_id(), "owner", "key-1", plan, budgeted=True, **caller)
        if not tenant_id:
            self.table.write(put_new(key(f"T#{self.caller.tenant_id}", "META") | {"revision": 1}))

    def admit(self, *, allowance: int | None = None, agent_id: str = "agt-1", **caller: Any) -> Admission:
        """Let a request in."""
        admitted = self.metering.admit(
            replace(self.caller, **caller), request_id=str(ULID()), route=ROUTE, agent_id=agent_id, allowance=allowance
        )
        assert isinstance(admitted, Admission)
        return admitted

    def set_budget(self, amount: int, **fields: Any) -> Budget:
        """Set a budget, the tenant's for the month unless told otherwise."""
        fields = {"scope": "tenant", "period": "month"} | fields
        return self.store.budgets.put(self.caller.tenant_id, Budget(amount=amount, **fields))

    def standing(self, budget: Budget) -> Spending:
        """Return where a budget stands."""
        return self.store.budgets.standing(self.caller.tenant_id, budget, self.now, self.caller.time_zone)

    def shards(self, budget: Budget) -> list[dict[str, Any]]:
        """Return the spending items of a budget."""
        name = budget.spending(self.now, self.caller.time_zone)
        return list(self.table.query(f"T#{self.caller.tenant_id}#BUDGET#{name}"))

    @property
    def ledger(self) -> list[Entry]:
        """The entries of today."""
        return list(self.store.entries(self.caller.tenant_id, self.now.date()))
