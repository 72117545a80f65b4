"""Roll-ups, usage from them, and the proof that totals equal the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

import pytest
from ulid import ULID

from smyth.aws.rollups import DynamoRollups
from smyth.aws.table import key, put, update
from smyth.http.services import services
from smyth.platform.budgets import Budget
from smyth.platform.entries import Entry, Figures
from smyth.platform.rollups import Progress, Rollups, Row, beginning, rows_of
from smyth.platform.times import rfc3339, utc_now
from smyth.platform.usage import Usage
from tests.integration.events import OPERATOR, Answer, LambdaContext, call, caller_context, handler, new_tenant_id
from tests.integration.test_metering import admit, caller_with

DAY = timedelta(days=1)
NOON = datetime(2026, 5, 20, 12, tzinfo=UTC)


class Account(NamedTuple):
    id: str
    created_at: datetime


class Kept(DynamoRollups):
    """Roll-ups in the table, with a progress of this test's own."""

    def __init__(self) -> None:
        super().__init__(services().table)
        self.so_far = Progress()

    def progress(self) -> Progress:
        return self.so_far

    def save(self, progress: Progress) -> None:
        self.so_far = Progress.model_validate_json(progress.model_dump_json(exclude_defaults=True))


class Ledger:
    """The table's ledger, which tells what was read of it."""

    def __init__(self) -> None:
        self.read: list[date] = []

    def entries(self, tenant_id: str, day: date, after: str = "") -> Iterable[Entry]:
        self.read.append(day)
        return services().meter.store.entries(tenant_id, day, after)


def written(tenant_id: str, at: datetime, *, status: str = "settled", **fields: Any) -> Entry:
    """An entry of a moment, in the table."""
    made = Entry(request_id=str(ULID.from_datetime(at)), tenant_id=tenant_id, at=at, lease_until=at, **fields)
    figures = Figures(model=fields.get("model", ""), input_tokens=3, output_tokens=2, provider_cost=777)
    entry = {"settled": made.settled, "released": made.released, "reserved": lambda _: made}[status](figures)
    item = entry.model_dump() | {"at": rfc3339(at), "lease_until": rfc3339(at), "budgets": list(entry.budgets)}
    services().table.write(put(key(f"T#{tenant_id}#L#{entry.day}", entry.request_id) | item))
    return entry


def rolling(kept: Kept, *accounts: Account, now: datetime = NOON, ledger: Any = None, ticks: Any = None) -> Rollups:
    def behind(after: str) -> Iterable[Account]:
        names = [account.id for account in accounts]
        return accounts[names.index(after) + 1 if after else 0 :]

    further = {"ticks": ticks} if ticks else {}
    return Rollups(ledger or Ledger(), kept, behind, clock=lambda: now, **further)


def test_usage_from_roll_ups_and_open_days_equals_the_ledger() -> None:
    tenant_id, random = new_tenant_id(), Random(11)
    entries = [
        written(
            tenant_id,
            NOON - timedelta(minutes=random.randrange(60 * 24 * 6)),
            status=random.choice(["settled", "settled", "released"]),
            agent_id=random.choice(["agt-1", "agt-2"]),
            model=random.choice(["", "m"]),
            fee=random.choice([0, 10_000]),
        )
        for _ in range(80)
    ]
    kept = Kept()
    assert rolling(kept, Account(tenant_id, NOON - 6 * DAY)).catch_up(seconds=60) == 6
    ledger = Ledger()
    for start, end in ((NOON - 6 * DAY, NOON), (NOON - 3 * DAY, NOON - DAY), (beginning(date(2026, 5, 16)), NOON)):
        ledger.read.clear()
        rows = Usage(ledger, kept, clock=lambda: NOON).rows(tenant_id, start, end)
        meant = rows_of(entry for entry in entries if start <= entry.at < end)
        assert sums(rows) == sums(meant)
        assert len(ledger.read) <= 2  # The day that is cut at the start, and the one at the end.


def sums(rows: list[Row]) -> dict[tuple[str, ...], tuple[int, ...]]:
    """Requests, tokens and money by day, agent, model and fee."""
    found: dict[tuple[str, ...], tuple[int, ...]] = {}
    for row in rows:
        name = (str(row.day), row.agent_id, row.model, str(row.fee))
        more = (row.requests, row.input_tokens, row.provider_cost, row.price)
        found[name] = tuple(map(sum, zip(found.get(name, (0, 0, 0, 0)), more, strict=True)))
    return found


def test_a_day_is_rolled_up_when_it_is_closed_and_not_again() -> None:
    account, kept = Account(new_tenant_id(), NOON - 2 * DAY), Kept()
    written(account.id, NOON - DAY)
    just_after_midnight = beginning(NOON.date()) + timedelta(minutes=59)
    assert rolling(kept, account, now=just_after_midnight).catch_up(seconds=60) == 1
    assert rolling(kept, account, now=just_after_midnight).catch_up(seconds=60) == 0
    assert rolling(kept, account).catch_up(seconds=60) == 1
    assert set(kept.between(account.id, date(2026, 1, 1), date(2026, 12, 31))) == {date(2026, 5, 18), date(2026, 5, 19)}


def test_a_day_with_an_open_request_is_read_live() -> None:
    account, kept = Account(new_tenant_id(), NOON - DAY), Kept()
    written(account.id, NOON - DAY, status="reserved")
    assert rolling(kept, account).catch_up(seconds=60) == 0
    assert kept.between(account.id, date(2026, 5, 1), date(2026, 5, 31)) == {}
    assert (
        sum(row.requests for row in Usage(Ledger(), kept, clock=lambda: NOON).rows(account.id, NOON - 2 * DAY, NOON))
        == 1
    )


def test_rolling_up_stops_in_time_and_goes_on_in_the_middle_of_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smyth.platform.rollups._CHUNK", 4)
    accounts, kept = [Account(new_tenant_id(), NOON - 2 * DAY) for _ in range(2)], Kept()
    for account in accounts:
        for number in range(10):
            written(account.id, NOON - DAY + timedelta(seconds=number), fee=100)
    calls = 0
    while kept.so_far.through is None:
        time = iter(range(1_000_000))
        rolling(kept, *accounts, ticks=lambda time=time: next(time)).catch_up(seconds=0.5)
        calls += 1
        assert calls < 50
    assert calls > 4
    for account in accounts:
        [row] = kept.between(account.id, date(2026, 5, 19), date(2026, 5, 19))[date(2026, 5, 19)]
        assert (row.requests, row.price) == (10, 10 * (100 + 777))


def test_a_day_with_too_many_groups_is_read_live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smyth.platform.rollups._MOST_ROWS", 2)
    account, kept = Account(new_tenant_id(), NOON - DAY), Kept()
    for number in range(3):
        written(account.id, NOON - DAY, agent_id=f"agt-{number}")
    assert rolling(kept, account).catch_up(seconds=60) == 0
    assert kept.so_far.through == date(2026, 5, 19)
    assert len(Usage(Ledger(), kept, clock=lambda: NOON).rows(account.id, NOON - 2 * DAY, NOON)) == 3


def test_the_tick_rolls_up_and_wakes_alerts() -> None:
    done = handler("schedule_tick")({"source": "aws.events"}, LambdaContext())
    assert {"leases", "alerts", "rollups", "issued"} <= set(done)
    assert services().rollups.catch_up(seconds=60) == 0


def test_the_operator_names_whose_usage_it_is_and_nobody_else_may() -> None:
    tenant_id = new_tenant()
    services().meter.settle(admit(caller_with(None, plan="payg", tenant_id=tenant_id)), Figures())
    told = call("GET", f"/api/usage?tenant_id={tenant_id}", caller=OPERATOR).json()
    assert (told["plan"], told["requests"]["used"], told["cost"]) == ("payg", 1, "0.010000")
    assert call("GET", "/api/usage", caller=OPERATOR).status == 422
    stranger = caller_context()
    assert call("GET", f"/api/usage?tenant_id={tenant_id}", caller=stranger).status == 403
    assert call("GET", f"/api/usage?tenant_id={new_tenant_id()}", caller=OPERATOR).status == 404


def new_tenant(plan: str = "payg", **limits: int) -> str:
    made = call("POST", "/api/tenants", body={"name": "Used", "plan": plan, "limits": limits}, caller=OPERATOR)
    tenant_id: str = made.json()["id"]
    return tenant_id


def rebuilt(tenant_id: str, *, repair: bool = False, days: int = 2) -> list[dict[str, Any]]:
    today = utc_now().date()
    body = {"from": str(today - (days - 1) * DAY), "to": str(today), "repair": repair}
    answer = call("POST", f"/api/tenants/{tenant_id}/rebuild", body=body, caller=OPERATOR)
    assert answer.status == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["differences"]
    return found


def busy_tenant() -> tuple[str, str]:
    """A tenant with a limit and budgets, and requests of every end; its month's meter."""
    tenant_id = new_tenant("basic")
    budgets = services().meter.store.budgets
    for scope, period in (("tenant", "month"), ("key:key-1", "total"), ("agent:none", "day")):
        budgets.put(tenant_id, Budget(scope=scope, amount=50_000_000, period=period))
    caller = replace(caller_with(1_000, tenant_id=tenant_id), budgeted=True)
    for number in range(12):
        admission = admit(caller)
        if number % 4 == 0:
            services().meter.release(admission)
        elif number % 4 < 3:
            services().meter.settle(admission, Figures(model="m", provider_cost=1_111 * number))
    return tenant_id, f"{utc_now():%Y-%m}"


def test_totals_equal_the_ledger() -> None:
    tenant_id, _ = busy_tenant()
    assert rebuilt(tenant_id) == []


def test_totals_that_drifted_are_told_and_repaired() -> None:
    tenant_id, month = busy_tenant()
    table = services().table
    table.write(update(key(f"T#{tenant_id}#METER#{month}", "0"), "ADD #used :by", {"by": 5}))
    spending = f"T#{tenant_id}#BUDGET#key:key-1#total"
    shard = next(iter(table.query(spending)))
    table.write(update(key(spending, shard["sk"]), "ADD #spent :by, #free :less", {"by": -7, "less": 7}))
    kept, yesterday = DynamoRollups(table), utc_now().date() - DAY
    closed = services().rollups.last_closed()
    kept.put(tenant_id, closed, [Row(day=closed, requests=1, price=42)])
    found = rebuilt(tenant_id, days=4)
    assert [(one["kind"], one["name"], one["repaired"]) for one in found] == [
        ("rollup", str(closed), False),
        ("meter", month, False),
        ("budget", "key:key-1#total", False),
    ]
    assert (found[0]["found"], found[0]["ledger"]) == ("0.000042", "0.000000")
    assert found[1]["found"] - found[1]["ledger"] == 5
    assert rebuilt(tenant_id, days=4) == found
    assert all(one["repaired"] for one in rebuilt(tenant_id, days=4, repair=True))
    assert rebuilt(tenant_id, days=4) == []
    free = next(iter(table.query(spending)))
    assert free["free"] + free["reserved"] + free["spent"] == free["limit"]
    assert yesterday >= closed


def test_what_a_meter_was_given_to_begin_with_is_no_difference() -> None:
    tenant_id, month = busy_tenant()
    meter = key(f"T#{tenant_id}#METER#{month}", "0")
    services().table.write(update(meter, "SET #seeded = :n ADD #used :n", {"n": 3}))
    assert rebuilt(tenant_id) == []


def test_prepaid_requests_are_compared_over_all_time() -> None:
    tenant_id = new_tenant("prepaid")
    at = utc_now() - 40 * DAY
    services().table.write(update(key(f"T#{tenant_id}", "META"), "SET #created_at = :at", {"at": rfc3339(at)}))
    written(tenant_id, at, meter="prepaid", plan="prepaid")
    services().table.write(put(key(f"T#{tenant_id}#METER#prepaid", "0") | {"granted": 10, "used": 1}))
    assert rebuilt(tenant_id) == []
    services().table.write(put(key(f"T#{tenant_id}#METER#prepaid", "0") | {"granted": 10, "used": 2}))
    assert [(one["name"], one["ledger"], one["found"]) for one in rebuilt(tenant_id)] == [("prepaid", 1, 2)]


@pytest.mark.parametrize(
    "body",
    [
        {"from": "2026-05-02", "to": "2026-05-01"},
        {"from": "2026-01-01", "to": "2026-02-01"},
        {"from": "yesterday", "to": "2026-02-01"},
        {"from": "2026-05-01"},
    ],
)
def test_days_that_cannot_be_compared_are_refused(body: dict[str, str]) -> None:
    refused: Answer = call("POST", f"/api/tenants/{new_tenant()}/rebuild", body=body, caller=OPERATOR)
    assert refused.status in (400, 422)
    assert json.loads(refused.content)["detail"]


def test_only_the_operator_rebuilds() -> None:
    tenant_id = new_tenant()
    body = {"from": "2026-05-01", "to": "2026-05-02"}
    assert call("POST", f"/api/tenants/{tenant_id}/rebuild", body=body, caller=caller_context(tenant_id)).status == 403
