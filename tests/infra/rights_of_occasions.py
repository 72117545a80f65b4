"""Calls of every route for triggers, schedules and webhooks, for the test of rights."""

from __future__ import annotations

import hmac
import json
from hashlib import sha256
from typing import Any

from smyth.platform.deliveries import MOST_IN_CHAIN
from tests.infra.callers import Caller
from tests.infra.cloud import Cloud

_META = {"verifyToken": "known", "clientId": "1", "clientSecret": "secret of the app"}
_BODY = b'{"type": "paid"}'


def triggers(cloud: Cloud, tenant: Caller) -> None:
    """Have an agent started by an event, look at its runs, and try again what came to nothing."""
    agent_id = tenant("POST", "/api/agents/create", json={"name": "Started", "model": "Echo"})["id"]
    fields = {"name": "paid", "agent_id": agent_id, "rule": {"kind": "event"}, "target": {"prompt": "Hello"}}
    made = tenant("POST", "/api/triggers", json=fields)["id"]
    one = "/api/triggers/{trigger_id}"
    assert [trigger["id"] for trigger in tenant("GET", "/api/triggers")["items"]] == [made]
    tenant("GET", one, trigger_id=made)
    tenant("PATCH", one, trigger_id=made, json={"name": "bought"})
    tenant("POST", one + "/test", trigger_id=made, json={"payload": {}})
    run = _deliver(cloud, tenant, made, depth=0)
    assert (run["state"], run["failure"]) == ("done", None)
    run = _deliver(cloud, tenant, made, depth=MOST_IN_CHAIN + 1)
    assert (run["state"], run["failure"]["code"]) == ("dead", "chain")
    again = tenant("POST", one + "/runs/{run_id}/redrive", trigger_id=made, run_id=run["id"])
    assert again["runs"] == [run["id"]]
    tenant("POST", one + "/redrive", trigger_id=made)
    tenant("DELETE", one, trigger_id=made)
    tenant("DELETE", "/api/agents/{agent_id}", agent_id=agent_id)


def _deliver(cloud: Cloud, tenant: Caller, trigger_id: str, *, depth: int) -> Any:
    """Hand a delivery to the worker, as its queue does; return the run."""
    name = f"delivery-{depth}"
    body = {"trigger_id": trigger_id, "delivery_id": name, "payload": {}, "depth": depth}
    record = {"messageId": name, "receiptHandle": name, "body": json.dumps(body)}
    assert cloud.invoke("run_trigger", {"Records": [record]}) == {"batchItemFailures": []}
    runs = tenant("GET", "/api/triggers/{trigger_id}/runs", trigger_id=trigger_id)["items"]
    [run] = [run for run in runs if run["delivery_id"] == name]
    return tenant("GET", "/api/triggers/{trigger_id}/runs/{run_id}", trigger_id=trigger_id, run_id=run["id"])


def schedules(tenant: Caller) -> None:
    """Make a schedule, change it and take it away, each time at the scheduler too."""
    agent_id = tenant("POST", "/api/agents/create", json={"name": "Awake at night", "model": "Echo"})["id"]
    fields = {
        "name": "nightly",
        "agent_id": agent_id,
        "rule": {"cron": "0 3 * * *", "time_zone": "Europe/Berlin"},
        "target": {"prompt": "Count the stars"},
    }
    made = tenant("POST", "/api/schedules", json=fields)["id"]
    one = "/api/schedules/{schedule_id}"
    assert [schedule["id"] for schedule in tenant("GET", "/api/schedules")["items"]] == [made]
    assert tenant("GET", one, schedule_id=made)["next_run"]
    later = {"cron": "0 4 * * *", "time_zone": "Europe/Berlin"}
    assert tenant("PATCH", one, schedule_id=made, json={"rule": later})["rule"]["cron"] == "0 4 * * *"
    tenant("DELETE", one, schedule_id=made)
    tenant("DELETE", "/api/agents/{agent_id}", agent_id=agent_id)


def webhooks(tenant: Caller) -> None:
    """Send a signed message to a webhook, and to a component as Meta does."""
    component = {"id": "C", "name": "WhatsAppTrigger", "title": "Messages", "inputs": [], "outputs": []}
    component["data"] = {"triggerEndpoint": "messages", **_META}
    document = {"version": "1.0.0", "name": "Listener", "components": [component], "connections": []}
    agent_id = tenant("POST", "/api/agents/import", json=document)["id"]
    hook = {"rule": {"kind": "webhook", "scheme": "github"}, "target": {"prompt": "Look"}}
    made = tenant("POST", "/api/triggers", json={"name": "hook", "agent_id": agent_id, **hook})["id"]
    secret = tenant("POST", "/api/triggers/{trigger_id}/secret", trigger_id=made)["secret"]
    told = tenant("POST", "/hooks/{trigger_id}", trigger_id=made, content=_BODY, headers=_signed(secret))
    assert told["accepted"]

    listens = {"rule": {"kind": "component"}, "target": {"trigger": "messages"}}
    tenant("POST", "/api/triggers", json={"name": "messages", "agent_id": agent_id, **listens})
    place = {"agent_id": agent_id, "endpoint": "messages"}
    asked = "?hub.mode=subscribe&hub.challenge=4711&hub.verify_token=known"
    assert str(tenant("GET", "/trigger/{agent_id}/{endpoint}" + asked, **place)) == "4711"
    signed = _signed(_META["clientSecret"])
    assert tenant("POST", "/trigger/{agent_id}/{endpoint}", content=_BODY, headers=signed, **place)["accepted"]


def _signed(secret: str) -> dict[str, str]:
    """Sign the body as GitHub and Meta do."""
    signature = hmac.new(secret.encode(), _BODY, sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={signature}", "Content-Type": "application/json"}
