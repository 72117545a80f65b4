"""What admission and settlement cost on an emulated table, beside putting one bare item."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ulid import ULID

from smyth.aws.bucket import Bucket
from smyth.aws.clients import data_config, make_client
from smyth.aws.idempotency import DynamoClaims
from smyth.aws.metering import DynamoMeter
from smyth.aws.table import Table, key, put_new
from smyth.platform.access import Caller
from smyth.platform.budgets import Budget
from smyth.platform.ids import TENANT, new_id
from smyth.platform.metering import Admission, Figures, Metering
from smyth.platform.plans import PLANS
from tests.integration.emulator import BUCKET, TABLE, create_resources, emulator, point_here

CALLERS = 64
ROUNDS = 4
ROUTE = "POST /api/agents/{agent_id}/prompt"
#: What a billable request may make of write calls: one lets it in, one settles it.
MOST_WRITES = 2
_WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"}
_USD = 1_000_000


@dataclass(frozen=True)
class Cost:
    """What a request costs on top of its work."""

    plan: str
    budgeted: bool
    tenants: int
    #: Median of admission and settlement together, and of a bare put_item under as many callers.
    ours_ms: float
    put_ms: float
    requests: int
    #: Write calls that left the client, repeated ones too.
    writes: int

    @property
    def ratio(self) -> float:
        """How many bare puts one request costs."""
        return self.ours_ms / self.put_ms

    @property
    def writes_per_request(self) -> float:
        """Write calls of one request."""
        return self.writes / self.requests


class Bench:
    """A table on an emulator of its own, with a client that counts what it writes."""

    def __init__(self) -> None:
        # Patient: on a busy machine the emulator may take longer than a function would wait.
        self.table = Table(TABLE, make_client("dynamodb", data_config(60)))
        self.writes = 0
        self.table.client.meta.events.register("before-send.dynamodb", self._count)
        store = DynamoMeter(self.table, DynamoClaims(self.table, Bucket(BUCKET)))
        self.budgets = store.budgets
        self.metering = Metering(store, PLANS)

    def cost(self, plan: str, *, budgeted: bool, tenants: int) -> Cost:
        """Measure 64 callers at once, of one tenant or of as many."""
        ids = [new_id(TENANT) for _ in range(tenants)]
        for tenant_id in ids:
            self._prepare(tenant_id, budgeted=budgeted)
        callers = [Caller(tenant_id, "owner", "key-1", plan, budgeted=budgeted) for tenant_id in ids]

        def bare(number: int) -> None:
            self.table.write(put_new(key(f"BARE#{number % tenants}", str(ULID()))))

        def request(number: int) -> None:
            admitted = self.metering.admit(callers[number % tenants], request_id=str(ULID()), route=ROUTE)
            assert isinstance(admitted, Admission)
            self.metering.settle(admitted, Figures(model="m", input_tokens=10, provider_cost=500))

        put_ms, _ = self._measured(bare)
        ours_ms, writes = self._measured(request)
        return Cost(plan, budgeted, tenants, ours_ms, put_ms, CALLERS * ROUNDS, writes)

    def _measured(self, work: Callable[[int], None]) -> tuple[float, int]:
        """Return the median time of a call of ``work`` with 64 callers at it, and the write calls of all."""

        def timed(number: int) -> float:
            started = time.perf_counter()
            work(number)
            return (time.perf_counter() - started) * 1_000

        with ThreadPoolExecutor(CALLERS) as pool:
            # Connections; and callers who race to open a budget's period write once more, as at the very end of one.
            list(pool.map(work, range(CALLERS)))
            before = self.writes
            median = statistics.median(pool.map(timed, range(CALLERS * ROUNDS)))
        return median, self.writes - before

    def _prepare(self, tenant_id: str, *, budgeted: bool) -> None:
        self.table.write(put_new(key(f"T#{tenant_id}", "META") | {"revision": 1}))
        if budgeted:
            budget = Budget(scope="tenant", amount=1_000 * _USD, period="month", per_run=_USD // 100)
            self.budgets.put(tenant_id, budget)

    def _count(self, request: Any, **_: Any) -> None:
        operation = request.headers["X-Amz-Target"]
        operation = operation.decode() if isinstance(operation, bytes) else operation
        self.writes += operation.rpartition(".")[2] in _WRITES


def measure() -> list[Cost]:
    """Measure every shape of admission, on one tenant and on 64."""
    with _table():
        bench = Bench()
        shapes = [("payg", False), ("pro", False), ("pro", True), ("enterprise", True)]
        return [
            bench.cost(plan, budgeted=budgeted, tenants=tenants)
            for plan, budgeted in shapes
            for tenants in (1, CALLERS)
        ]


@contextmanager
def _table() -> Iterator[None]:
    with TemporaryDirectory() as folder, emulator(Path(folder)) as url:
        os.environ.update(point_here(url))
        create_resources(url)
        yield
