"""Dead schedules and deliveries that came to nothing: their tenants are told, once each."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from smyth.aws.alerts import DynamoAlerts
from smyth.aws.triggers import DynamoWatch
from smyth.http.services import services
from smyth.platform.errors import Busy
from smyth.platform.schedule_watch import ScheduleWatch
from smyth.platform.schedules import Schedules
from smyth.platform.trigger_alerts import TriggerAlerts
from tests.integration.events import OPERATOR, Context, LambdaContext, call, handler
from tests.integration.triggered import hasher, make, runs, take, tenant, work

HOURLY = {"kind": "schedule", "every": "1 hour"}


@pytest.fixture
def owner() -> Context:
    """A tenant that starts agents."""
    return tenant()


def look(hours: float) -> None:
    """Look after schedules so many hours from now."""
    moment = datetime.now(UTC) + timedelta(hours=hours)
    made = services()
    alerts = TriggerAlerts(DynamoAlerts(made.table), lambda: moment)
    schedules = Schedules(made.calendar, made.deliveries, lambda: moment)
    ScheduleWatch(DynamoWatch(made.table), schedules, alerts, lambda: moment).go_on(lambda: True)


def told(owner: Context) -> list[tuple[str, str, str]]:
    """Kind, subject and message of the tenant's alerts, oldest first."""
    alerts = call("GET", "/api/alerts", caller=owner).json()["recent"]
    return [(one["kind"], one["subject"], one["message"]) for one in alerts][::-1]


def waits(owner: Context, schedule_id: str) -> bool:
    """Whether anybody will look at it again."""
    item = services().table.get(f"T#{owner['tenant_id']}", f"TRIGGER#{schedule_id}")
    return item is not None and "lease_sk" in item


def status(owner: Context, wanted: str) -> None:
    """Have the operator suspend the tenant, or let it go on."""
    answer = call("PATCH", f"/api/tenants/{owner['tenant_id']}", caller=OPERATOR, body={"status": wanted})
    assert answer.status == 200, answer.content


def test_a_schedule_that_runs_is_looked_at_again_and_nothing_is_told(owner: Context) -> None:
    made = make(owner, HOURLY)
    look(0)
    look(1.05)
    assert (told(owner), waits(owner, made["id"])) == ([], True)


def test_a_schedule_that_missed_twice_is_told_once_until_it_runs_again(owner: Context) -> None:
    made = make(owner, HOURLY)
    look(1.5)
    assert told(owner) == []
    for hours in (2.6, 3.7, 4.8):
        look(hours)
    ((kind, subject, message),) = told(owner)
    assert (kind, subject) == ("schedule", made["id"])
    assert "missed its last 2 times" in message
    call("POST", f"/api/triggers/{made['id']}/test", caller=owner, body={"payload": {"name": "a.txt"}})
    work(*take(made["id"]))
    look(9)
    assert len(told(owner)) == 2
    assert waits(owner, made["id"])


def test_a_schedule_that_eventbridge_lost_is_told_anew_only_after_a_change(owner: Context) -> None:
    made = make(owner, {"kind": "schedule", "every": "90 days"})
    services().calendar.remove(made["id"])
    look(1.1)
    look(2.2)
    assert [("lost" in message) for _, _, message in told(owner)] == [True]
    call("PATCH", f"/api/schedules/{made['id']}", caller=owner, body={"name": "anew"})
    look(3.3)
    assert len(told(owner)) == 1
    services().calendar.remove(made["id"])
    look(4.4)
    assert len(told(owner)) == 2


def test_the_schedules_of_a_deleted_agent_are_told_at_once_and_left_alone_then(owner: Context) -> None:
    agent_id = hasher(owner)
    made = make(owner, HOURLY, agent_id)
    watching = make(owner, {"kind": "queue"}, agent_id)
    assert call("DELETE", f"/api/agents/{agent_id}", caller=owner).status in (200, 204)
    done = handler("schedule_tick")({}, LambdaContext())
    assert done["dead_schedules"] >= 1
    ((kind, subject, message),) = told(owner)
    assert (kind, subject, "agent was deleted" in message) == ("schedule", made["id"], True)
    assert not waits(owner, made["id"])
    assert not waits(owner, watching["id"])


def test_a_single_run_that_never_came_is_told_and_one_that_came_is_not(owner: Context) -> None:
    due = datetime.now(UTC) + timedelta(minutes=70)
    rule = {"kind": "schedule", "at": f"{due:%Y-%m-%dT%H:%M:%S}"}
    missed, ran = make(owner, rule), make(owner, rule)
    _fire(owner, ran["id"], due)
    look(71 / 60)
    assert told(owner) == []
    assert (waits(owner, missed["id"]), waits(owner, ran["id"])) == (True, False)
    look(2.3)
    assert [subject for _, subject, _ in told(owner)] == [missed["id"]]
    assert not waits(owner, missed["id"])


def test_rare_schedules_whose_runs_are_forgotten_are_not_taken_for_dead(owner: Context) -> None:
    made = make(owner, {"kind": "schedule", "every": "31 days"})
    look(24 * 31 * 7)
    assert told(owner) == []
    assert waits(owner, made["id"])


def test_switched_off_schedules_and_other_triggers_wait_for_nobody(owner: Context) -> None:
    off, queue = make(owner, HOURLY, enabled=False), make(owner, {"kind": "queue"})
    assert [waits(owner, one["id"]) for one in (off, queue)] == [False, False]
    call("PATCH", f"/api/triggers/{off['id']}", caller=owner, body={"enabled": True})
    assert waits(owner, off["id"])


def test_schedules_keep_their_place_in_line_while_eventbridge_is_busy(
    owner: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(owner, HOURLY)
    services().calendar.remove(made["id"])

    def busy(_: str) -> bool:
        raise Busy("EventBridge Scheduler cannot be reached.", retry_after_s=1)

    with monkeypatch.context() as patched:
        patched.setattr(services().calendar, "has", busy)
        look(1.1)
    assert told(owner) == []
    look(1.1)
    assert len(told(owner)) == 1


def test_dead_deliveries_are_told_once_a_day_for_each_trigger(owner: Context) -> None:
    made = make(owner, {"kind": "queue"}, target={"prompt": "{{text}}"}, retries={"attempts": 1})
    for _ in range(2):
        call("POST", f"/api/triggers/{made['id']}/test", caller=owner, body={"payload": {"text": "x"}})
    status(owner, "suspended")
    work(*take(made["id"]))
    status(owner, "active")
    assert [run["state"] for run in runs(owner, made["id"])] == ["dead", "dead"]
    ((kind, subject, message),) = told(owner)
    assert (kind, subject) == ("trigger", made["id"])
    named = re.search(r"run-[0-9a-z]{26}", message)
    assert named
    assert named[0] in {run["id"] for run in runs(owner, made["id"])}


def _fire(owner: Context, trigger_id: str, due: datetime) -> None:
    """Deliver as EventBridge Scheduler does."""
    trigger = services().triggers.get(owner["tenant_id"], trigger_id)
    services().deliveries.deliver(trigger, delivery_id=due.isoformat(), payload={"name": "a.txt"}, at=due)
    assert work(*take(trigger_id)) == []
