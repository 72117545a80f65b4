"""Migrations on the embedded AWS: run after a deployment, killed anywhere, resumed, never two at once."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from smyth.aws.migrations import DynamoMigrations
from smyth.aws.table import Table, key, update
from smyth.http.services import services
from smyth.platform.agent_fields import NewAgent
from smyth.platform.errors import Conflict
from smyth.platform.ids import new_id
from smyth.platform.migration_list import migrations
from smyth.platform.migrations import LEASE, LeaseLost, Migration, Migrations, Progress
from smyth.platform.payments import NewPayment
from smyth.platform.tenants import NewTenant
from tests.integration.events import LambdaContext, handler

START = datetime(2026, 1, 1, tzinfo=UTC)
KILLS = 20
MIGRATIONS = ["agents-claim-their-slugs", "prepaid-tenants-are-given-their-requests"]


class Clock:
    """Tells what it is set to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def table(cloud: str) -> Iterator[Table]:
    """The test process's table without anything of migrations in it, before and after."""
    forget_migrations()
    yield services().table
    forget_migrations()


def forget_migrations() -> None:
    table = services().table
    table.delete_many([key(item["pk"], item["sk"]) for item in table.query("MIGRATIONS", fields="#pk, #sk")])


def counting(table: Table, name: str, to: int) -> Callable[[str], str]:
    """A step that counts to a number, writing each."""

    def step(cursor: str) -> str:
        number = int(cursor or 0) + 1
        table.write(update(key("COUNTED", name), "SET #n = :n", {"n": number}))
        return str(number) if number < to else ""

    return step


def test_migrations_run_in_order_and_once(table: Table) -> None:
    said: list[str] = []

    def saying(name: str) -> Callable[[str], str]:
        return lambda _: said.append(name) or ""

    both = [Migration(1, "first", saying("first")), Migration(7, "second", saying("second"))]
    report = Migrations(DynamoMigrations(table), both).run("a")
    assert (report.done, report.finished, report.steps) == (True, ["first", "second"], 2)
    assert Migrations(DynamoMigrations(table), both).run("b").finished == []
    third = Migration(8, "third", saying("third"))
    assert Migrations(DynamoMigrations(table), [*both, third]).run("c").finished == ["third"]
    assert said == ["first", "second", "third"]


def test_a_run_stops_when_its_time_is_up_and_the_next_goes_on(table: Table) -> None:
    one = [Migration(1, "count", counting(table, "time", 5)), Migration(2, "more", lambda _: "")]
    moments = iter([True, True, False])
    report = Migrations(DynamoMigrations(table), one).run("a", in_time=lambda: next(moments))
    assert (report.done, report.steps, report.left) == (False, 2, ["count", "more"])
    report = Migrations(DynamoMigrations(table), one).run("b")
    assert (report.done, report.steps, report.finished) == (True, 4, ["count", "more"])


def test_a_second_run_waits_for_the_first_and_takes_over_when_it_is_silent(table: Table) -> None:
    clock, store = Clock(), DynamoMigrations(table)
    one = [Migration(1, "count", counting(table, "two", 2))]
    assert store.take("first", clock.now, clock.now + LEASE)
    refused = Migrations(store, one, clock).run("second")
    assert (refused.done, refused.busy, refused.left) == (False, True, ["count"])
    clock.now += LEASE + timedelta(seconds=1)
    assert Migrations(store, one, clock).run("second").done
    progress = Progress(number=1, name="count", started_at=START)
    with pytest.raises(LeaseLost, match="another run"):
        store.save(progress, "first", clock.now + LEASE)


def test_a_run_that_lost_its_lease_leaves_the_other_s_progress_and_lease_alone(table: Table) -> None:
    clock, store = Clock(), DynamoMigrations(table)

    def overtaken(cursor: str) -> str:
        assert store.take("other", clock.now + 2 * LEASE, clock.now + 3 * LEASE)
        return "further"

    with pytest.raises(LeaseLost):
        Migrations(store, [Migration(1, "slow", overtaken)], clock).run("slow")
    assert store.progress() == []
    assert not store.take("third", clock.now + 2 * LEASE, clock.now + 3 * LEASE)


def test_a_step_that_fails_is_done_again_by_the_next_run(table: Table) -> None:
    count = counting(table, "fail", 3)
    broken = [True]

    def step(cursor: str) -> str:
        if cursor == "1" and broken:
            raise RuntimeError(f"cannot do {broken.pop()}")
        return count(cursor)

    one = [Migration(1, "count", step)]
    with pytest.raises(RuntimeError, match="cannot do"):
        Migrations(DynamoMigrations(table), one).run("a")
    [left] = DynamoMigrations(table).progress()
    assert (left.cursor, left.finished_at) == ("1", None)
    assert Migrations(DynamoMigrations(table), one).run("b").steps == 2


def test_a_number_that_meant_something_else_is_refused(table: Table) -> None:
    store = DynamoMigrations(table)
    Migrations(store, [Migration(1, "old", lambda _: "")]).run("a")
    with pytest.raises(Conflict, match="applied as 'old'"):
        Migrations(store, [Migration(1, "new", lambda _: "")]).run("b")
    with pytest.raises(ValueError, match="rising numbers"):
        Migrations(store, [Migration(2, "b", lambda _: ""), Migration(2, "a", lambda _: "")])


def test_the_released_migrations_keep_their_numbers_and_names() -> None:
    known = migrations(services().tenants, services().agents, services().payments)
    assert [(one.number, one.name) for one in known] == [
        (1, "agents-claim-their-slugs"),
        (2, "prepaid-tenants-are-given-their-requests"),
    ]


class Context(LambdaContext):
    """A context with so much time left."""

    def __init__(self, *left_ms: int) -> None:
        super().__init__()
        self._left = list(left_ms)

    def get_remaining_time_in_millis(self) -> int:
        return self._left.pop(0) if len(self._left) > 1 else self._left[0]


def _tenants_of_an_earlier_version(table: Table, agents_of: list[int]) -> list[str]:
    """Make tenants whose agents, all of one name, have claimed no slug."""
    made = services()
    tenants = []
    for count in agents_of:
        tenant = made.tenants.create(NewTenant(name="old", plan="enterprise")).id
        tenants.append(tenant)
        for _ in range(count):
            agent, _ = made.agents.create(tenant, NewAgent(name="Helper"), by="k", limit=None)
            at = key(f"T#{tenant}", f"AGENT#{agent.id}")
            table.write(update(at, "SET #slug = :slug REMOVE #slug_claimed", {"slug": "helper"}))
            table.delete_many([key(f"T#{tenant}", f"SLUG#{agent.slug}")])
    return tenants


def _claims(table: Table, tenant: str) -> dict[str, str]:
    """The claims of a tenant: slug -> agent, checked against the agents."""
    claims = {item["sk"].removeprefix("SLUG#"): item["agent_id"] for item in table.query(f"T#{tenant}", prefix="SLUG#")}
    agents = {item["slug"]: item["id"] for item in table.query(f"T#{tenant}", prefix="AGENT#") if item["slug_claimed"]}
    assert claims == agents
    return claims


def test_the_function_gives_every_agent_a_slug_of_its_own(table: Table) -> None:
    crowded, empty, single = _tenants_of_an_earlier_version(table, [25, 0, 1])
    first = handler("migrate")({}, Context(60_000, 60_000, 10_000))
    assert (first["done"], first["steps"], first["left"]) == (False, 2, MIGRATIONS)
    assert handler("migrate")({}, Context(60_000)) | {"steps": 0} == {
        "done": True,
        "busy": False,
        "finished": MIGRATIONS,
        "left": [],
        "steps": 0,
    }
    assert set(_claims(table, crowded)) == {"helper", *(f"helper-{number}" for number in range(2, 26))}
    assert set(_claims(table, single)) == {"helper"}
    assert _claims(table, empty) == {}
    assert handler("migrate")({}, Context(60_000))["steps"] == 0


def test_prepaid_tenants_of_an_earlier_version_are_given_once_what_their_plan_gave(table: Table) -> None:
    made = services()
    old, own, unlimited, new, bought, other = (
        made.tenants.create(NewTenant(name="old", plan=plan)) for plan in [*["prepaid"] * 5, "basic"]
    )
    for tenant, limit in ((own, 500), (unlimited, None)):
        table.write(update(key(f"T#{tenant.id}", "META"), "SET #limits = :l", {"l": {"requests_per_month": limit}}))
    table.write(update(key(f"T#{old.id}#METER#prepaid", "0"), "SET #used = :used", {"used": 40}))
    made.payments.record(new, NewPayment(kind="grant", requests=7), by="operator")
    made.payments.record(bought, NewPayment(kind="topup", packages=1), by="operator")
    for _ in range(2):  # As after a run whose progress was lost.
        forget_migrations()
        assert handler("migrate")({}, Context(60_000))["done"]
    plan = made.plans["prepaid"]
    meters = [made.meter.counted(one.id, plan, START) for one in (old, own, unlimited, new, bought)]
    assert [(one.granted, one.used) for one in meters] == [(10_000, 40), (500, 0), (10**9, 0), (7, 0), (10_000, 0)]
    assert made.payments.of(other.id) == []


def _crowds(table: Table, tenants: int, agents: int) -> list[str]:
    """Make tenants with many agents, of one name and without claims, as an earlier version wrote them."""
    made = [services().tenants.create(NewTenant(name="crowd", plan="enterprise")).id for _ in range(tenants)]
    for tenant in made:
        fields = {"tenant_id": tenant, "name": "Helper", "slug": "helper", "version": 1, "sha256": "0" * 64}
        fields |= {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}
        ids = [new_id("agt") for _ in range(agents)]
        table.put_many([key(f"T#{tenant}", f"AGENT#{id}") | fields | {"id": id} for id in ids])
    return made


def _run_and_die(calls: int, clock: Clock, holder: str) -> int:
    """Migrate in a process that kills itself at its n-th call of the table; return how the process ended."""
    if child := os.fork():
        return os.waitpid(child, 0)[1]
    try:
        services.cache_clear()
        made, left = services(), [calls]

        def count(**_: Any) -> None:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        # Before a call, or after it was done: then the process dies without having heard of it.
        made.table.client.meta.events.register(random.choice(["before-send.dynamodb", "after-call.dynamodb"]), count)
        store = DynamoMigrations(made.table)
        Migrations(store, migrations(made.tenants, made.agents, made.payments), clock).run(holder)
    finally:
        os._exit(1)


def test_a_run_killed_twenty_times_loses_nothing_and_does_nothing_twice(table: Table) -> None:
    crowds, clock = _crowds(table, tenants=4, agents=25), Clock()
    cursors = []
    for attempt in range(KILLS):
        ended = _run_and_die(random.randint(2, 12), clock, f"run-{attempt}")
        assert os.WIFSIGNALED(ended), "the run ended before it was killed"
        assert os.WTERMSIG(ended) == signal.SIGKILL
        cursors.append([progress.cursor for progress in DynamoMigrations(table).progress()])
        clock.now += LEASE + timedelta(seconds=1)
    assert cursors[-1] != cursors[0], "no killed run came forward"
    made = services()
    assert (
        Migrations(DynamoMigrations(table), migrations(made.tenants, made.agents, made.payments), clock)
        .run("last")
        .done
    )
    for tenant in crowds:
        assert set(_claims(table, tenant)) == {"helper", *(f"helper-{number}" for number in range(2, 26))}
    assert [one.finished_at for one in DynamoMigrations(table).progress()] == [clock.now] * len(MIGRATIONS)
