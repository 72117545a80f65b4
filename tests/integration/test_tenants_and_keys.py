"""Tenants and keys through their functions, and what the authorizer makes of them."""

from __future__ import annotations

from typing import Any

import pytest

from functions.authorizer.handler import handler as authorize
from tests.integration.events import OPERATOR, Answer, Context, LambdaContext, call, caller_context


def new_tenant(**fields: Any) -> dict[str, Any]:
    answer = call("POST", "/api/tenants", caller=OPERATOR, body={"name": "acme", "plan": "basic"} | fields)
    assert answer.status == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


def new_key(tenant_id: str, **fields: Any) -> dict[str, Any]:
    body = {"name": "k", "role": "owner", "tenant_id": tenant_id} | fields
    answer = call("POST", "/api/keys", caller=OPERATOR, headers={"Authorization": "Bearer operator-secret"}, body=body)
    assert answer.status == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


def ask(key: str, header: str = "x-api-key") -> Any:
    event = {
        "methodArn": "arn:aws:execute-api:x",
        "headers": {header: key},
        "httpMethod": "GET",
        "resource": "/api/agents",
    }
    return authorize(event, LambdaContext())


def context_of(key: str) -> Context:
    context: Context = ask(key)["context"]
    return context


def test_a_new_tenant_has_its_plans_limits_with_its_own_over_them() -> None:
    tenant = new_tenant(plan="pro", limits={"requests_per_month": 100})
    assert tenant["limits"] == {"requests_per_month": 100, "agents": 25}
    assert (tenant["status"], tenant["plan"]) == ("active", "pro")
    assert call("GET", f"/api/tenants/{tenant['id']}", caller=OPERATOR).json() == tenant


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x"},
        {"name": "", "plan": "basic"},
        {"name": "x", "plan": "gold"},
        {"name": "x", "plan": "basic", "limits": {"cats": 1}},
    ],
)
def test_a_tenant_that_makes_no_sense_is_refused(body: dict[str, Any]) -> None:
    answer = call("POST", "/api/tenants", caller=OPERATOR, body=body)
    assert answer.status == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"]


def test_only_the_operator_makes_tenants(caller: Context) -> None:
    assert call("POST", "/api/tenants", caller=caller, body={"name": "x", "plan": "basic"}).status == 403


def test_the_newest_tenant_is_listed_first_and_pages_continue() -> None:
    older, newer = new_tenant(), new_tenant()
    first = call("GET", "/api/tenants?limit=1", caller=OPERATOR).json()
    second = call("GET", f"/api/tenants?limit=1&cursor={first['next_cursor']}", caller=OPERATOR).json()
    assert [first["items"][0]["id"], second["items"][0]["id"]] == [newer["id"], older["id"]]


def test_a_cursor_of_our_own_invention_is_refused() -> None:
    assert call("GET", "/api/tenants?cursor=Li4vLi4", caller=OPERATOR).status == 422


def test_changed_limits_and_status_reach_the_next_request() -> None:
    tenant = new_tenant()
    key = new_key(tenant["id"])["key"]
    path = f"/api/tenants/{tenant['id']}"
    call("PATCH", path, caller=OPERATOR, body={"limits": {"requests_per_month": 7}, "status": "suspended"})
    context = context_of(key)
    assert (context["limits"], context["status"]) == ('{"requests_per_month": 7}', "suspended")
    refused = call("GET", "/api/keys", caller=context)
    assert (refused.status, "suspended" in refused.json()["detail"]) == (403, True)
    resumed = call("PATCH", path, caller=OPERATOR, body={"limits": None, "status": "active"}).json()
    assert resumed["limits"] == {"requests_per_month": 1000, "agents": 5}


def test_a_key_tells_the_authorizer_who_calls() -> None:
    tenant = new_tenant()
    key = new_key(tenant["id"], role="developer", routes=["POST /api/agents/{id}/prompt"])
    verdict = ask(key["key"])
    assert verdict["policyDocument"]["Statement"][0]["Effect"] == "Allow"
    assert verdict["context"]["tenant_id"] == tenant["id"]
    assert verdict["context"]["routes"] == '["POST /api/agents/{agent_id}/prompt"]'
    assert len(verdict["usageIdentifierKey"]) >= 20
    assert all(isinstance(value, str) for value in verdict["context"].values())
    assert ask(f"bearer {key['key']}", "AUTHORIZATION")["context"] == verdict["context"]


@pytest.mark.parametrize("key", ["", "smyth_", "smyth_unknown", "x" * 9_000])
def test_an_unknown_key_is_unauthorized(key: str, operator_secret: str) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        ask(key)


def test_the_stacks_secret_is_the_operators_key(operator_secret: str) -> None:
    verdict = ask(operator_secret)
    assert (verdict["context"]["role"], verdict["context"]["tenant_id"]) == ("operator", "")
    assert "usageIdentifierKey" not in verdict


def test_a_revoked_key_is_unauthorized_at_once() -> None:
    tenant = new_tenant()
    key = new_key(tenant["id"])
    context = context_of(key["key"])
    assert call("DELETE", f"/api/keys/{key['id']}", caller=context).status == 204
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        ask(key["key"])
    assert call("DELETE", f"/api/keys/{key['id']}", caller=context).status == 404


def test_a_listed_key_shows_its_use_and_never_its_secret() -> None:
    tenant = new_tenant()
    key = new_key(tenant["id"])
    context = context_of(key["key"])
    answer = call("GET", "/api/keys", caller=context)
    (listed,) = answer.json()["items"]
    assert listed["last_used"] is not None
    assert listed["prefix"] == key["key"][:12]
    assert key["key"] not in answer.content.decode()


def test_a_tenant_cannot_touch_anothers_keys() -> None:
    mine, other = new_tenant(), new_tenant()
    foreign = new_key(other["id"])
    owner = caller_context(mine["id"])
    assert call("DELETE", f"/api/keys/{foreign['id']}", caller=owner).status == 404
    body = {"name": "k", "role": "viewer", "tenant_id": other["id"]}
    assert call("POST", "/api/keys", caller=owner, body=body).status == 403


@pytest.mark.parametrize(
    "fields",
    [
        {"role": "king"},
        {"agents": ["../../etc"]},
        {"routes": ["POST /api/nothing"]},
        {"expires_at": "2001-01-01T00:00:00Z"},
        {"expires_at": "2099-01-01T00:00:00"},
        {"name": ""},
        {"name": " "},
        {"name": "a\x00b"},
        {"name": "\ud800"},
    ],
)
def test_a_key_that_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    body = {"name": "k", "role": "viewer"} | fields
    assert call("POST", "/api/keys", caller=caller_context(new_tenant()["id"]), body=body).status == 422


def test_nobody_makes_a_key_that_can_do_more_than_they_can() -> None:
    tenant = new_tenant()["id"]
    admin = caller_context(tenant, role="admin")
    assert call("POST", "/api/keys", caller=admin, body={"name": "k", "role": "owner"}).status == 403
    narrow = caller_context(tenant, role="owner", routes=["POST /api/keys"])
    assert call("POST", "/api/keys", caller=narrow, body={"name": "k", "role": "viewer"}).status == 403
    developer = caller_context(tenant, role="developer")
    assert call("GET", "/api/keys", caller=developer).status == 403


def test_the_same_idempotency_key_makes_one_key_and_tells_its_secret_again() -> None:
    tenant = new_tenant()["id"]

    def create(name: str) -> Answer:
        headers = {"Idempotency-Key": f"once-{tenant}", "x-api-key": "smyth_own"}
        caller = caller_context(tenant, key_id="key-own")
        return call("POST", "/api/keys", caller=caller, headers=headers, body={"name": name, "role": "viewer"})

    first, again, other = create("a"), create("a"), create("b")
    assert (first.status, again.status, other.status) == (201, 201, 422)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert len(call("GET", "/api/keys", caller=caller_context(tenant)).json()["items"]) == 1
    assert context_of(first.json()["key"])["tenant_id"] == tenant


def test_the_same_idempotency_key_makes_one_tenant() -> None:
    body = {"name": "once", "plan": "basic"}
    headers = {"Idempotency-Key": "tenant-once"}
    answers = [call("POST", "/api/tenants", caller=OPERATOR, headers=headers, body=body) for _ in range(3)]
    assert len({answer.json()["id"] for answer in answers}) == 1
