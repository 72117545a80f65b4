"""Triggers: make, list, change, delete, try; and what became of what was delivered to them."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, JsonValue
from ulid import ULID

from smyth.http import schedules
from smyth.http.answers.page import Page
from smyth.http.answers.triggers import DeliveryTaken, Redriven, RunInShort, RunShown, RunState, TriggerShown
from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import Caller, TenantCaller
from smyth.http.idempotency import Seed, once
from smyth.http.paging import Cursor, Limit, page, read_cursor
from smyth.http.services import services
from smyth.platform.acl import Asker
from smyth.platform.delivery_records import Run
from smyth.platform.errors import Conflict
from smyth.platform.ids import RUN, TRIGGER, is_id
from smyth.platform.money import usd
from smyth.platform.times import rfc3339
from smyth.platform.trigger_records import NewTrigger, Trigger, TriggerChanges

app = create_app("triggers")
app.include_router(schedules.router)

TriggerId = Annotated[str, Path(max_length=100)]
RunId = Annotated[str, Path(max_length=100)]
Kind = Literal["", "object", "schedule", "webhook", "queue", "event", "component"]


class Trial(BaseModel):
    """What a trial delivers."""

    model_config = ConfigDict(extra="forbid")

    payload: JsonValue = {}


@app.post("/api/triggers", status_code=201, response_model=TriggerShown)
async def create(request: Request, caller: TenantCaller, fields: NewTrigger) -> Response:
    def make(seed: Seed) -> dict[str, Any]:
        made = services().triggers.create(
            caller.tenant_id,
            fields,
            by=caller.key_id,
            asker=Asker.of(caller),
            trigger_id=f"{TRIGGER}-{seed.ulid}",
            public_url=caller.public_url,
        )
        return _view(made)

    return await once(request, caller.tenant_id, make)


@app.get("/api/triggers", response_model=Page[TriggerShown])
def listing(
    caller: TenantCaller,
    kind: Annotated[Kind, Query(description="Only those that this sets off.")] = "",
    agent_id: Annotated[str, Query(max_length=100, description="Only this agent's.")] = "",
    limit: Limit = 20,
    cursor: Cursor = "",
) -> dict[str, Any]:
    after = read_cursor(cursor, lambda text: is_id(TRIGGER, text))
    found, place = services().triggers.page(
        caller.tenant_id, Asker.of(caller), kind=kind, agent_id=agent_id, limit=limit, after=after
    )
    return page([_view(trigger) for trigger in found], place)


@app.get("/api/triggers/{trigger_id}", response_model=TriggerShown)
def get(caller: TenantCaller, trigger_id: TriggerId) -> dict[str, Any]:
    return _view(services().triggers.get(caller.tenant_id, trigger_id, Asker.of(caller)))


@app.patch("/api/triggers/{trigger_id}", response_model=TriggerShown)
def change(caller: TenantCaller, trigger_id: TriggerId, changes: TriggerChanges) -> dict[str, Any]:
    return _view(services().triggers.change(caller.tenant_id, trigger_id, changes, Asker.of(caller)))


@app.delete("/api/triggers/{trigger_id}", status_code=204)
def delete(caller: TenantCaller, trigger_id: TriggerId) -> None:
    services().triggers.delete(caller.tenant_id, trigger_id, Asker.of(caller))


@app.post("/api/triggers/{trigger_id}/test", status_code=202, response_model=DeliveryTaken)
def trial(caller: TenantCaller, trigger_id: TriggerId, given: Trial | None = None) -> dict[str, Any]:
    trigger = _to_write(caller, trigger_id)
    if not trigger.enabled:
        raise Conflict(f"The trigger {trigger_id} is switched off. Enable it first.")
    delivery_id = f"test-{str(ULID()).lower()}"
    services().deliveries.deliver(trigger, delivery_id=delivery_id, payload=given.payload if given else {})
    return {"delivery_id": delivery_id}


@app.get("/api/triggers/{trigger_id}/runs", response_model=Page[RunInShort])
def runs(
    caller: TenantCaller,
    trigger_id: TriggerId,
    state: Annotated[RunState | Literal[""], Query(description="Only those that stand so.")] = "",
    limit: Limit = 20,
    cursor: Cursor = "",
) -> dict[str, Any]:
    after = read_cursor(cursor, lambda text: is_id(RUN, text))
    trigger = services().triggers.get(caller.tenant_id, trigger_id, Asker.of(caller))
    found, place = services().deliveries.page(trigger, state=state, limit=limit, after=after)
    return page([_in_short(run) for run in found], place)


@app.get("/api/triggers/{trigger_id}/runs/{run_id}", response_model=RunShown)
def run(caller: TenantCaller, trigger_id: TriggerId, run_id: RunId) -> dict[str, Any]:
    trigger = services().triggers.get(caller.tenant_id, trigger_id, Asker.of(caller))
    found = services().deliveries.run(trigger, run_id)
    payload = json.loads(services().deliveries.payload(found))
    return _in_short(found) | {"output": found.output, "payload": payload}


@app.post("/api/triggers/{trigger_id}/runs/{run_id}/redrive", status_code=202, response_model=Redriven)
def redrive(caller: TenantCaller, trigger_id: TriggerId, run_id: RunId) -> dict[str, Any]:
    return {"runs": [services().deliveries.redrive(_to_write(caller, trigger_id), run_id).id]}


@app.post("/api/triggers/{trigger_id}/redrive", status_code=202, response_model=Redriven)
def redrive_all(caller: TenantCaller, trigger_id: TriggerId) -> dict[str, Any]:
    return {"runs": [run.id for run in services().deliveries.redrive_all(_to_write(caller, trigger_id))]}


def _to_write(caller: Caller, trigger_id: str) -> Trigger:
    """Return a trigger whose agent the caller may write, for what starts it costs the tenant money."""
    return services().triggers.get(caller.tenant_id, trigger_id, Asker.of(caller), "write")


def _view(trigger: Trigger) -> dict[str, Any]:
    last = services().deliveries.last(trigger)
    return {
        "id": trigger.id,
        "name": trigger.name,
        "agent_id": trigger.agent_id,
        "kind": trigger.kind,
        "rule": trigger.rule.model_dump(mode="json", by_alias=True, exclude_none=True),
        "target": trigger.target.model_dump(mode="json", exclude_none=True),
        "retries": trigger.retries.model_dump(),
        "enabled": trigger.enabled,
        "disabled_because": trigger.disabled_because,
        "created_at": rfc3339(trigger.created_at),
        "updated_at": rfc3339(trigger.updated_at),
        "created_by": trigger.created_by,
        "last_run": _in_short(last) if last else None,
    }


def _in_short(run: Run) -> dict[str, Any]:
    waits = run.state == "waiting" and run.until is not None
    return {
        "id": run.id,
        "delivery_id": run.delivery_id,
        "state": run.state,
        "at": rfc3339(run.at),
        "begun_at": rfc3339(run.begun_at),
        "ended_at": rfc3339(run.ended_at) if run.ended_at else None,
        "attempts": run.attempts,
        "retry_at": rfc3339(run.until) if waits and run.until else None,
        "request_id": run.request_id,
        "cost": usd(run.cost),
        "failure": run.failure.model_dump() if run.failure else None,
    }


handler = lambda_handler(app)
