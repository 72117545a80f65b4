"""What handlers answer has the shape that /openapi.json tells, so clients made from it work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.integration import triggered
from tests.integration.events import OPERATOR, Answer, Context, call, caller_context, proxy_event

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[2] / "docs" / "openapi.json").read_text("utf-8")
)
ECHO = {"name": "Echo", "model": "Echo", "behavior": "Say it again."}


def checked(method: str, path: str, **options: Any) -> Any:
    """Call, and hold the answer against the document; members that it does not know count as faults."""
    answer: Answer = call(method, path, **options)
    template = proxy_event(method, path)["resource"]
    responses = DOCUMENT["paths"][template][method.lower()]["responses"]
    assert str(answer.status) in responses, (answer.status, answer.content)
    schema = responses[str(answer.status)]["content"]["application/json"]["schema"]
    jsonschema.validate(answer.json(), {**schema, "components": _closed()})
    return answer.json()


def _closed() -> dict[str, Any]:
    components: dict[str, Any] = json.loads(json.dumps(DOCUMENT["components"]))
    for schema in components["schemas"].values():
        if schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
    return components


@pytest.fixture
def agent(caller: Context) -> str:
    return str(checked("POST", "/api/agents/create", body=ECHO, caller=caller)["id"])


def test_agents(caller: Context, agent: str) -> None:
    document = call("GET", f"/api/agents/{agent}/export", caller=caller).json()
    checked("POST", "/api/agents/import", body=document | {"extra": {"unknown": 1}}, caller=caller)
    assert len(checked("GET", "/api/agents?limit=1", caller=caller)["items"]) == 1
    checked("PATCH", f"/api/agents/{agent}", body={"description": "Other"}, caller=caller)
    checked("POST", f"/api/agents/{agent}/publish", body={"version": 1}, caller=caller)
    assert checked("GET", f"/api/agents/{agent}", caller=caller)["published_version"] == 1
    assert len(checked("GET", f"/api/agents/{agent}/versions", caller=caller)["items"]) == 2


def test_skills(caller: Context, agent: str) -> None:
    body = json.loads(json.loads((Path(__file__).parents[2] / "events" / "add_skill.json").read_text())["body"])
    assert checked("POST", "/api/skills/add", body=body | {"agent_id": agent}, caller=caller)["skills"]


def test_turns_and_usage(caller: Context, agent: str) -> None:
    checked("POST", f"/api/agents/{agent}/prompt", body={"message": "Hello"}, caller=caller)
    chat = checked("GET", f"/api/agents/{agent}/chat?message=Hello", caller=caller)
    asked = {"message": "Again", "conversation_id": chat["conversation_id"]}
    checked("POST", f"/api/agents/{agent}/chat", body=asked, caller=caller)
    path = f"/api/agents/{agent}/chat?conversation_id={chat['conversation_id']}"
    assert len(checked("GET", path, caller=caller)["messages"]) == 4
    conversations = f"/api/agents/{agent}/conversations"
    assert len(checked("GET", conversations, caller=caller)["items"]) == 1
    assert len(checked("GET", f"{conversations}/{chat['conversation_id']}", caller=caller)["items"]) == 4
    for group_by in ("day", "agent", "key", "model", "route"):
        assert checked("GET", f"/api/usage?group_by={group_by}", caller=caller)["items"]


def test_models(caller: Context) -> None:
    model = {"provider": "OpenAI", "model": "gpt-4o-mini", "credential": "house-key", "fallbacks": ["Echo"]}
    made = checked("PUT", "/api/models/house", body=model, caller=caller)
    assert checked("GET", "/api/models/house", caller=caller) == made
    assert checked("GET", "/api/models?limit=3", caller=caller)["next_cursor"]


def test_credentials(caller: Context) -> None:
    fields = {"value": "one", "access": {"agent:agt-1": ["read"]}}
    made = checked("PUT", "/api/credentials/house", body=fields, caller=caller)
    assert checked("GET", "/api/credentials/house", caller=caller) | {"rotation_secret": None} == made
    assert checked("POST", "/api/credentials/house/rotate", body={"value": "two"}, caller=caller)["current"] == 2
    assert checked("POST", "/api/credentials/house/rollback", caller=caller)["current"] == 1
    assert len(checked("GET", "/api/credentials?limit=3", caller=caller)["items"]) == 1


def test_triggers() -> None:
    owner = triggered.tenant()
    body = {"name": "x", "agent_id": triggered.hasher(owner), "rule": {"kind": "event"}, "target": {"skill": "hash"}}
    path = f"/api/triggers/{checked('POST', '/api/triggers', body=body, caller=owner)['id']}"
    checked("PATCH", path, body={"retries": {"attempts": 1}}, caller=owner)
    payload = {"data": "a", "detail": {"tenant_id": owner["tenant_id"]}}
    checked("POST", f"{path}/test", body={"payload": payload}, caller=owner)
    triggered.work(*triggered.take(path.rpartition("/")[2]))
    (run,) = checked("GET", f"{path}/runs?state=done", caller=owner)["items"]
    assert checked("GET", f"{path}/runs/{run['id']}", caller=owner)["payload"] == payload
    assert checked("POST", f"{path}/redrive", caller=owner) == {"runs": []}
    assert checked("GET", path, caller=owner)["last_run"] == run
    assert len(checked("GET", "/api/triggers?limit=3", caller=owner)["items"]) == 1


def test_keys(caller: Context) -> None:
    checked("POST", "/api/tenants", body={"name": "Other", "plan": "basic"}, caller=OPERATOR)
    tenant = checked("POST", "/api/tenants", body={"name": "Documented", "plan": "basic"}, caller=OPERATOR)
    made = {"name": "first", "role": "owner", "tenant_id": tenant["id"]}
    checked("POST", "/api/keys", body=made, caller=OPERATOR)
    assert len(checked("GET", f"/api/keys?tenant_id={tenant['id']}", caller=OPERATOR)["items"]) == 1
    checked("GET", f"/api/tenants/{tenant['id']}", caller=OPERATOR)
    checked("PATCH", f"/api/tenants/{tenant['id']}", body={"limits": {"agents": 2}}, caller=OPERATOR)
    checked("GET", "/api/tenants?limit=1", caller=OPERATOR)


def test_bills() -> None:
    body = {"name": "Billed", "plan": "prepaid"}
    tenant = checked("POST", "/api/tenants", body=body, caller=OPERATOR)["id"]
    billed = caller_context(tenant, plan="prepaid")
    path = f"/api/tenants/{tenant}/payments"
    checked("POST", path, body={"kind": "topup", "packages": 1, "reference": "bank-1"}, caller=OPERATOR)
    checked("POST", path, body={"kind": "credit", "amount": "60.00", "note": "Sorry"}, caller=OPERATOR)
    assert len(checked("GET", path, caller=OPERATOR)["items"]) >= 2
    assert checked("GET", "/api/billing/payments?limit=1", caller=billed)["next_cursor"]
    assert checked("GET", "/api/billing/invoice", caller=billed)["total"] == "-10.000000"
    checked("GET", f"/api/tenants/{tenant}/invoice", caller=OPERATOR)
    assert checked("GET", "/api/billing/invoices", caller=billed)["items"]
    assert checked("GET", "/api/billing/plans", caller=billed)["items"]


def test_vectors_files_connectors_and_health(caller: Context) -> None:
    item = {"id": "1", "vector": [1, 2], "text": "One", "metadata": {"n": 1}}
    checked("POST", "/api/vectordb/upsert", body={"namespace": "n", "items": [item]}, caller=caller)
    checked("POST", "/api/vectordb/search", body={"namespace": "n", "vector": [1, 2]}, caller=caller)
    planned = checked("POST", "/api/storage/upload", body={"name": "a", "size": 1}, caller=caller)
    checked("POST", "/api/storage/upload", body={"name": "large", "size": 100 * 1024**2}, caller=caller)
    assert len(checked("GET", "/api/storage", caller=caller)["items"]) == 2
    checked("GET", f"/api/storage/{planned['key']}", caller=caller)
    checked("GET", "/api/components", caller=caller)
    checked("GET", "/api/connectors", caller=caller)
    checked("GET", "/health")


def test_knowledge(caller: Context) -> None:
    text = {"namespace": "n", "name": "a.txt", "text": "Alpha"}
    document = checked("POST", "/api/knowledge", body=text, caller=caller)["id"]
    checked("POST", "/api/knowledge", body={"namespace": "n", "name": "b.pdf", "size": 9}, caller=caller)
    assert len(checked("GET", "/api/knowledge", caller=caller)["items"]) == 1
    checked("GET", f"/api/knowledge/{document}", caller=caller)
    checked("POST", f"/api/knowledge/{document}/reindex", caller=caller)
    checked("DELETE", f"/api/knowledge/{document}", caller=caller)


def test_problems(caller: Context) -> None:
    faults = [
        call("GET", "/api/agents/agt-nobody", caller=caller),
        call("POST", "/api/agents/create", body={}, caller=caller),
        call("POST", "/api/agents/import", body={"components": 5}, caller=caller),
        call("POST", "/api/vectordb/search", body="no", headers={"Content-Type": "application/json"}, caller=caller),
        call("POST", "/api/vectordb/search", body={"namespace": "n", "query": "text"}, caller=caller),
    ]
    schema = DOCUMENT["components"]["schemas"]["ProblemDocument"]
    for answer in faults:
        assert answer.status >= 400
        jsonschema.validate(answer.json(), {**schema, "components": DOCUMENT["components"]})
