"""Schedules through their function, and as EventBridge Scheduler has them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from smyth.http.services import services
from smyth.platform.errors import Busy
from tests.integration.emulator import SCHEDULE_GROUP
from tests.integration.events import Answer, Context, call, caller_context

BERLIN = {"cron": "30 8 * * MON-FRI", "time_zone": "Europe/Berlin"}


def agent_of(caller: Context) -> str:
    made = call("POST", "/api/agents/create", body={"name": "clockwork"}, caller=caller)
    assert made.status == 201, made.content
    return str(made.json()["id"])


def create(caller: Context, rule: dict[str, Any] = BERLIN, **members: Any) -> Answer:
    agent_id = members.pop("agent_id", None) or agent_of(caller)
    body = {"name": "morning", "agent_id": agent_id, "rule": rule, "target": {"prompt": "Good morning"}, **members}
    return call("POST", "/api/schedules", body=body, caller=caller)


def at_eventbridge(schedule_id: str) -> dict[str, Any] | None:
    client = services().calendar._client
    try:
        return dict(client.get_schedule(GroupName=SCHEDULE_GROUP, Name=schedule_id))
    except client.exceptions.ResourceNotFoundException:
        return None


def test_a_schedule_is_made_shown_changed_and_deleted(caller: Context) -> None:
    made = create(caller)
    assert made.status == 201, made.content
    shown = made.json()
    assert (shown["state"], shown["problem"], shown["last_run"]) == ("on", "", None)
    assert len(shown["next_runs"]) == 5
    assert shown["next_run"] == shown["next_runs"][0]
    path = f"/api/schedules/{shown['id']}"
    assert call("GET", path, caller=caller).json() == shown
    assert [one["id"] for one in call("GET", "/api/schedules", caller=caller).json()["items"]] == [shown["id"]]
    off = call("PATCH", path, body={"enabled": False}, caller=caller).json()
    assert (off["state"], off["next_run"]) == ("off", None)
    assert at_eventbridge(shown["id"]) is None
    call("PATCH", path, body={"enabled": True, "rule": {"every": "2 hours"}}, caller=caller)
    placed = at_eventbridge(shown["id"])
    assert placed is not None
    assert placed["ScheduleExpression"] == "rate(2 hours)"
    assert call("DELETE", path, caller=caller).status == 204
    assert at_eventbridge(shown["id"]) is None
    assert call("GET", path, caller=caller).status == 404


def test_eventbridge_gets_the_zone_and_a_message_that_names_the_scheduled_time(caller: Context) -> None:
    shown = create(caller).json()
    placed = at_eventbridge(shown["id"])
    assert placed is not None
    assert placed["ScheduleExpression"] == "cron(30 8 ? * 2,3,4,5,6 *)"
    assert placed["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert placed["FlexibleTimeWindow"] == {"Mode": "OFF"}
    message = json.loads(placed["Target"]["Input"])
    assert message["tenant_id"] == caller["tenant_id"]
    assert message["delivery_id"] == message["at"] == "<aws.scheduler.scheduled-time>"


def test_a_repeated_request_makes_one_schedule(caller: Context) -> None:
    body = {"name": "n", "agent_id": agent_of(caller), "rule": BERLIN, "target": {"prompt": "x"}}
    answers = [
        call("POST", "/api/schedules", body=body, caller=caller, headers={"Idempotency-Key": "once"}) for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert len(call("GET", "/api/schedules", caller=caller).json()["items"]) == 1


@pytest.mark.parametrize(
    "rule",
    [{"at": "2020-01-01T08:00"}, {"cron": "x"}, {"every": "1 second"}, {}, {"cron": "0 8 * * *", "time_zone": "x"}],
)
def test_what_never_runs_is_refused_and_nothing_is_kept(caller: Context, rule: dict[str, Any]) -> None:
    assert create(caller, rule).status == 422
    assert call("GET", "/api/schedules", caller=caller).json()["items"] == []


def test_other_tenants_do_not_see_it(caller: Context) -> None:
    path = f"/api/schedules/{create(caller).json()['id']}"
    other = caller_context()
    assert call("GET", path, caller=other).status == 404
    assert call("PATCH", path, body={"enabled": False}, caller=other).status == 404
    assert call("DELETE", path, caller=other).status == 404
    assert call("GET", path, caller=caller).json()["state"] == "on"


def test_a_schedule_that_eventbridge_lost_is_dead_and_comes_back_by_a_change(caller: Context) -> None:
    shown = create(caller).json()
    services().calendar.remove(shown["id"])
    path = f"/api/schedules/{shown['id']}"
    dead = call("GET", path, caller=caller).json()
    assert (dead["state"], "lost" in dead["problem"]) == ("dead", True)
    assert call("PATCH", path, body={"name": "anew"}, caller=caller).json()["state"] == "on"


def test_while_eventbridge_is_busy_schedules_are_listed_with_what_is_known(
    caller: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def busy(schedule_id: str) -> bool:
        asked.append(schedule_id)
        raise Busy("EventBridge Scheduler cannot be reached. Try again.", retry_after_s=5)

    agent_id = agent_of(caller)
    made = [create(caller, agent_id=agent_id).json() for _ in range(2)]
    off = create(caller, agent_id=agent_id, enabled=False).json()
    monkeypatch.setattr(services().calendar, "has", busy)
    listed = call("GET", "/api/schedules", caller=caller).json()["items"]
    assert [(one["id"], one["state"], one["next_run"]) for one in listed] == [
        *((one["id"], "on", one["next_run"]) for one in made),
        (off["id"], "off", None),
    ]
    assert ["cannot be reached" in one["problem"] for one in listed] == [True, True, False]
    assert len(asked) == 1


def test_a_new_interval_counts_from_when_the_schedule_was_made(
    caller: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = create(caller, {"every": "1 hour"}).json()
    begun = datetime.fromisoformat(made["created_at"]).replace(microsecond=0)
    path = f"/api/schedules/{made['id']}"
    placed = at_eventbridge(made["id"])
    assert datetime.fromisoformat(made["next_run"]) == begun + timedelta(hours=1)
    assert placed is not None
    assert placed["StartDate"] == begun + timedelta(hours=1)

    later = begun + timedelta(minutes=95)
    for part in (services().schedules, services().calendar):
        monkeypatch.setattr(part, "_now", lambda: later)
    # From 10:35 on, what was made at 9:00: the next of every 25 minutes is 10:40, whatever else is changed then.
    for changes in ({"rule": {"every": "25 minutes"}}, {"name": "another"}, {"enabled": False}, {"enabled": True}):
        shown = call("PATCH", path, body=changes, caller=caller).json()
    placed = at_eventbridge(made["id"])
    assert datetime.fromisoformat(shown["next_run"]) == begun + timedelta(minutes=100)
    assert placed is not None
    assert placed["StartDate"] == begun + timedelta(minutes=100)
    assert placed["ScheduleExpression"] == "rate(25 minutes)"
    # A start of its own moves it.
    start = later + timedelta(minutes=7)
    shown = call("PATCH", path, body={"rule": {"every": "25 minutes", "starts_at": start.isoformat()}}, caller=caller)
    assert datetime.fromisoformat(shown.json()["next_run"]) == start


def test_the_schedules_of_a_deleted_agent_are_dead_and_say_so(caller: Context) -> None:
    agent_id = agent_of(caller)
    shown = create(caller, agent_id=agent_id).json()
    assert call("DELETE", f"/api/agents/{agent_id}", caller=caller).status in (200, 204)
    services().triggers.agent_deleted(caller["tenant_id"], agent_id)
    dead = call("GET", f"/api/schedules/{shown['id']}", caller=caller).json()
    assert (dead["state"], "deleted" in dead["problem"], dead["next_run"]) == ("dead", True, None)
    assert at_eventbridge(shown["id"]) is None


def test_a_run_that_is_over_and_runs_that_were_missed_are_dead(
    caller: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    once = create(caller, {"at": f"{soon:%Y-%m-%dT%H:%M:%S}"}).json()
    often = create(caller, {"every": "1 hour"}).json()
    for hours, expected in ((1.5, ("dead", "on")), (2.1, ("dead", "on")), (2.5, ("dead", "dead"))):
        later = datetime.now(UTC) + timedelta(hours=hours)
        monkeypatch.setattr(services().schedules, "_now", lambda later=later: later)
        shown = [call("GET", f"/api/schedules/{one['id']}", caller=caller).json() for one in (once, often)]
        assert tuple(one["state"] for one in shown) == expected, hours
        assert "over" in shown[0]["problem"]
    assert "missed" in shown[1]["problem"]
