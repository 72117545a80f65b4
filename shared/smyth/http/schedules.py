"""Schedules over HTTP: the triggers that the clock sets off, with when they run next and whether they still do."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from smyth.http.answers.page import Page
from smyth.http.answers.schedules import Schedule
from smyth.http.answers.webhooks import WebhookSecret
from smyth.http.caller import Caller, TenantCaller
from smyth.http.idempotency import once
from smyth.http.paging import Cursor, Limit, page, read_cursor
from smyth.http.services import services
from smyth.platform.acl import Asker
from smyth.platform.delivery_records import Run
from smyth.platform.errors import NotFound
from smyth.platform.ids import TRIGGER, is_id
from smyth.platform.money import usd
from smyth.platform.schedule_rules import ScheduleRule
from smyth.platform.schedules import State, schedule_of
from smyth.platform.times import rfc3339
from smyth.platform.trigger_records import NewTrigger, Trigger, TriggerChanges
from smyth.platform.webhooks import NewSecret, shown_secret

router = APIRouter()

_SHOWN_RUNS = 5
ScheduleId = Annotated[str, Path(max_length=100)]


class NewSchedule(NewTrigger):
    """What a schedule is made from."""

    rule: ScheduleRule


class ScheduleChanges(TriggerChanges):
    """What of a schedule is to change."""

    rule: ScheduleRule | None = None


@router.post("/api/schedules", status_code=201, response_model=Schedule)
async def create(request: Request, caller: TenantCaller, fields: NewSchedule) -> Response:
    """Make a schedule; under an Idempotency-Key, once."""

    def make(seed: Any) -> dict[str, Any]:
        made = services().triggers.create(
            caller.tenant_id,
            fields,
            by=caller.key_id,
            asker=Asker.of(caller),
            trigger_id=f"{TRIGGER}-{seed.ulid}",
            public_url=caller.public_url,
        )
        return _views([made])[0]

    return await once(request, caller.tenant_id, make)


@router.get("/api/schedules", response_model=Page[Schedule])
def listing(
    caller: TenantCaller,
    agent_id: Annotated[str, Query(max_length=100, description="Only this agent's.")] = "",
    limit: Limit = 20,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """List schedules, oldest first."""
    after = read_cursor(cursor, lambda text: is_id(TRIGGER, text))
    if agent_id:
        services().agents.get(caller.tenant_id, agent_id, Asker.of(caller))
    found, place = services().triggers.page(
        caller.tenant_id, Asker.of(caller), kind="schedule", agent_id=agent_id, limit=limit, after=after
    )
    return page(_views(found), place)


@router.get("/api/schedules/{schedule_id}", response_model=Schedule)
def get(caller: TenantCaller, schedule_id: ScheduleId) -> dict[str, Any]:
    """Return a schedule."""
    return _views([_schedule(caller, schedule_id)])[0]


@router.patch("/api/schedules/{schedule_id}", response_model=Schedule)
def change(caller: TenantCaller, schedule_id: ScheduleId, changes: ScheduleChanges) -> dict[str, Any]:
    """Change a schedule; the next run follows at once."""
    _schedule(caller, schedule_id)
    return _views([services().triggers.change(caller.tenant_id, schedule_id, changes, Asker.of(caller))])[0]


@router.delete("/api/schedules/{schedule_id}", status_code=204)
def delete(caller: TenantCaller, schedule_id: ScheduleId) -> None:
    """Delete a schedule."""
    _schedule(caller, schedule_id)
    services().triggers.delete(caller.tenant_id, schedule_id, Asker.of(caller))


@router.post("/api/triggers/{trigger_id}/secret", status_code=201, response_model=WebhookSecret)
def set_secret(caller: TenantCaller, trigger_id: ScheduleId, wanted: NewSecret | None = None) -> dict[str, Any]:
    """Give a webhook its first or next secret."""
    trigger, secret, until = services().webhooks.set_secret(
        caller.tenant_id, trigger_id, wanted or NewSecret(), Asker.of(caller)
    )
    return {"id": trigger.id} | shown_secret(secret, until)


def _schedule(caller: Caller, schedule_id: str) -> Trigger:
    """Return a trigger that is a schedule.

    Raises:
        NotFound: There is none with this id.
    """
    trigger = services().triggers.get(caller.tenant_id, schedule_id, Asker.of(caller))
    if schedule_of(trigger) is None:
        raise NotFound(f"There is no schedule {schedule_id}. GET /api/schedules lists those there are.")
    return trigger


def _views(triggers: list[Trigger]) -> list[dict[str, Any]]:
    schedules = services().schedules
    runs = [schedules.last_run(trigger) for trigger in triggers]
    states = schedules.states(zip(triggers, runs, strict=True))
    return [_view(trigger, run, *told) for trigger, run, told in zip(triggers, runs, states, strict=True)]


def _view(trigger: Trigger, last: Run | None, state: State, problem: str) -> dict[str, Any]:
    following = [rfc3339(moment) for moment in services().schedules.next_runs(trigger, _SHOWN_RUNS)]
    rule = schedule_of(trigger)
    run = {"id": last.id, "state": last.state, "at": rfc3339(last.at), "cost": usd(last.cost)} if last else None
    return {
        "id": trigger.id,
        "name": trigger.name,
        "agent_id": trigger.agent_id,
        "kind": trigger.kind,
        "rule": rule.model_dump(mode="json", exclude_none=True, exclude={"kind"}) if rule else {},
        "target": trigger.target.model_dump(mode="json", exclude_none=True),
        "retries": trigger.retries.model_dump(mode="json"),
        "enabled": trigger.enabled,
        "state": state,
        "problem": problem,
        "next_run": following[0] if following else None,
        "next_runs": following,
        "last_run": run,
        "created_at": rfc3339(trigger.created_at),
        "updated_at": rfc3339(trigger.updated_at),
    }
