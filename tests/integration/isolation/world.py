"""A tenant with one of everything, each bearing a mark that nobody else may ever see."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from smyth.http.services import services
from smyth.platform.access import Caller
from smyth.platform.audit import Event
from smyth.platform.delivery_records import Delivery, Failure
from tests.integration.events import OPERATOR, Answer, Context, call, caller_context
from tests.integration.talkers import talker

#: Keys and codes are derived from what asks for them, so everybody shows something.
SHOWN = {"Authorization": "Bearer smyth_shown-by-all-callers-of-this-suite"}


@dataclass(frozen=True)
class World:
    """A tenant's owner and the names of its things, as routes call them."""

    owner: Context
    mark: str
    names: dict[str, str]

    @property
    def tenant_id(self) -> str:
        return self.owner["tenant_id"]

    def as_role(self, role: str) -> Context:
        return self.owner | {"role": role}

    def state(self) -> dict[str, Any]:
        """All that is stored of the tenant, but for its audit, which tells of refusals."""
        table, bucket = services().table, services().bucket
        pages = table.client.get_paginator("scan").paginate(
            TableName=table.name,
            FilterExpression="begins_with(pk, :own) OR tenant_id = :id",
            ExpressionAttributeValues={":own": {"S": f"T#{self.tenant_id}"}, ":id": {"S": self.tenant_id}},
        )
        items = {
            f"{item['pk']['S']} {item['sk']['S']}": item
            for page in pages
            for item in page["Items"]
            if not item["pk"]["S"].startswith(f"T#{self.tenant_id}#A")
        }
        listed = bucket.client.list_objects_v2(Bucket=bucket.name, Prefix=f"t/{self.tenant_id}/")
        return items | {found["Key"]: found["ETag"] for found in listed.get("Contents", [])}


def make_world() -> World:
    """Make a tenant with one of everything."""
    mark = f"mark{secrets.token_hex(8)}"
    made = _ok(call("POST", "/api/tenants", caller=OPERATOR, body={"name": mark, "plan": "enterprise"}))
    owner = caller_context(made["id"])
    agent = talker(owner, behavior=f"Say {mark}.", description=mark)
    other = talker(owner, name="Other")
    closed = talker(owner, name="Closed", behavior=f"Say {mark}.", access={})
    chat = _ok(call("POST", f"/api/agents/{agent}/chat", caller=owner, body={"message": mark}))
    model = f"model-{secrets.token_hex(4)}"
    house = {"provider": "OpenAI", "model": mark, "credential": "house-key", "context_window": 9000}
    _ok(call("PUT", f"/api/models/{model}", caller=owner, body=house))
    _ok(call("PUT", f"/api/credentials/{model}", caller=owner, body={"value": mark, "description": mark}))
    key = _ok(call("POST", "/api/keys", caller=owner, headers=SHOWN, body={"name": mark, "role": "viewer"}))
    namespace = f"ns-{secrets.token_hex(4)}"
    items = [{"id": "one", "vector": [1, 0], "text": mark}]
    _ok(call("POST", "/api/vectordb/upsert", caller=owner, body={"namespace": namespace, "items": items}))
    text = {"namespace": namespace, "name": f"{mark}.txt", "text": mark}
    document = _ok(call("POST", "/api/knowledge", caller=owner, body=text))
    trigger_id, run_id = _trigger(owner, agent, mark)
    clock = {"name": mark, "agent_id": agent, "rule": {"cron": "0 0 1 1 *"}, "target": {"prompt": mark}}
    schedule = _ok(call("POST", "/api/schedules", caller=owner, body=clock))
    invitation = _invite(owner, mark)
    member = _join(owner, mark)
    _ok(call("PUT", f"/api/budgets/agent:{agent}", caller=owner, body={"amount": "5.000000", "period": "month"}))
    payment = {"kind": "credit", "amount": "1.000000", "note": mark}
    _ok(call("POST", f"/api/tenants/{made['id']}/payments", caller=OPERATOR, body=payment))
    services().audit.record(Event(tenant_id=made["id"], action=f"job:{mark}"))
    names = {
        "tenant_id": made["id"],
        "agent_id": agent,
        "other_agent": other,
        "closed_agent": closed,
        "endpoint": "greet",
        "conversation_id": chat["conversation_id"],
        "name": model,
        "model": agent,
        "key_id": key["id"],
        "namespace": namespace,
        "item_id": "one",
        "document_id": document["id"],
        "trigger_id": trigger_id,
        "run_id": run_id,
        "schedule_id": schedule["id"],
        "member_id": member,
        "invitation_id": invitation["id"],
        "code": _invite(owner, mark)["code"],
        "scope": f"agent:{agent}",
        "token": services().file_links.make(f"t/{made['id']}/fs/report.txt", "report.txt", None),
        "asset": "swagger-ui.css",
        "key": _file(owner, mark),
    }
    return World(owner, mark, names)


def person(name: str) -> Context:
    """Somebody who signed in and is a member of nothing."""
    return Caller(tenant_id="", role="person", key_id="person", subject=f"https://issuer.example#{name}").to_context()


def _trigger(owner: Context, agent: str, mark: str) -> tuple[str, str]:
    """A trigger with a run that came to nothing."""
    fields = {"name": mark, "agent_id": agent, "rule": {"kind": "queue"}, "target": {"prompt": mark}}
    made = _ok(call("POST", "/api/triggers", caller=owner, body=fields | {"retries": {"attempts": 1}}))
    trigger = services().triggers.get(owner["tenant_id"], made["id"])
    delivery = Delivery(trigger_id=trigger.id, delivery_id=mark, payload=mark)
    run = services().deliveries.begin(trigger, delivery, timedelta(minutes=1))
    assert run is not None
    services().deliveries.failed(run, trigger, Failure(status=500, code="internal", detail=mark))
    return trigger.id, run.id


def _file(owner: Context, mark: str) -> str:
    """A file that was sent."""
    head = b'Content-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain'
    body = b"--limit\r\n" + head + b"\r\n\r\n" + mark.encode() + b"\r\n--limit--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=limit"}
    key: str = _ok(call("POST", "/api/storage/upload", caller=owner, headers=headers, body=body))["key"]
    return key


def _invite(owner: Context, mark: str) -> dict[str, Any]:
    body = {"name": mark, "role": "developer"}
    return _ok(call("POST", "/api/invitations", caller=owner, headers=SHOWN, body=body))


def _join(owner: Context, mark: str) -> str:
    code = _invite(owner, mark)["code"]
    id: str = _ok(call("POST", "/api/invitations/accept", caller=person(mark), body={"code": code}))["id"]
    return id


def _ok(answer: Answer) -> dict[str, Any]:
    assert answer.status in (200, 201), answer.content
    made: dict[str, Any] = answer.json()
    return made
