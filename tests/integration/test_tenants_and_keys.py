"""Tenants and keys through their functions, and what the authorizer makes of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from functions.authorizer import handler as authorizer
from functions.authorizer.handler import handler as authorize
from smyth.aws.keys import DynamoKeys
from smyth.aws.table import key as table_key
from smyth.http.services import services
from smyth.platform.access import Caller
from smyth.platform.errors import Conflict
from smyth.platform.ids import new_id
from smyth.platform.keys import Keys, Rotation, hash_secret
from smyth.platform.times import rfc3339, utc_now
from tests.integration.events import OPERATOR, Answer, Context, LambdaContext, call, caller_context

OPERATOR_CALLER = Caller(tenant_id="", role="operator", key_id="operator")


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
    assert tenant["limits"] == {"requests_per_month": 100, "agents": 25, "storage_bytes": 25 * 1024**3}
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
    assert resumed["limits"] == {"requests_per_month": 1000, "agents": 5, "storage_bytes": 1024**3}


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


def rotate(key_id: str, caller: Context, **fields: Any) -> Answer:
    return call("POST", f"/api/keys/{key_id}/rotate", caller=caller, headers={"x-api-key": "smyth_own"}, body=fields)


def is_known(key: str) -> bool:
    try:
        ask(key)
    except Exception as error:
        if str(error) != "Unauthorized":
            raise
        return False
    return True


def test_a_rotated_key_keeps_its_id_and_both_secrets_count_for_the_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = new_tenant()["id"]
    old = new_key(tenant, role="developer", requests_per_minute=7)
    answer = rotate(old["id"], caller_context(tenant), overlap_seconds=60)
    new = answer.json()
    assert (answer.status, new["id"], new["prefix"]) == (201, old["id"], new["key"][:12])
    assert new["key"] != old["key"]
    both = [context_of(one["key"]) for one in (old, new)]
    assert both[0] == both[1]
    assert both[0]["key_requests_per_minute"] == "7"
    later = utc_now() + timedelta(seconds=61)
    monkeypatch.setattr(authorizer, "utc_now", lambda: later)
    assert [is_known(one["key"]) for one in (old, new)] == [False, True]


def test_without_an_overlap_and_after_a_second_rotation_a_secret_ends_at_once() -> None:
    tenant = new_tenant()["id"]
    owner = caller_context(tenant)
    first = new_key(tenant)
    second = rotate(first["id"], owner).json()
    third = rotate(first["id"], owner, overlap_seconds=0).json()
    assert [is_known(one["key"]) for one in (first, second, third)] == [False, False, True]
    (listed,) = call("GET", "/api/keys", caller=owner).json()["items"]
    assert (listed["id"], listed["prefix"]) == (first["id"], third["prefix"])


def test_a_revoked_key_takes_all_its_secrets_along() -> None:
    tenant = new_tenant()["id"]
    owner = caller_context(tenant)
    old = new_key(tenant)
    new = rotate(old["id"], owner).json()
    assert call("DELETE", f"/api/keys/{old['id']}", caller=owner).status == 204
    assert [is_known(one["key"]) for one in (old, new)] == [False, False]
    assert rotate(old["id"], owner).status == 404


def test_a_repeated_rotation_tells_the_same_secret_and_rotates_once() -> None:
    tenant = new_tenant()["id"]
    old = new_key(tenant)
    headers = {"Idempotency-Key": f"turn-{tenant}", "x-api-key": "smyth_own"}
    path = f"/api/keys/{old['id']}/rotate"
    caller = caller_context(tenant)
    first, again = (call("POST", path, caller=caller, headers=headers) for _ in range(2))
    assert first.json() == again.json()
    assert [is_known(old["key"]), is_known(first.json()["key"])] == [True, True]


def test_another_credential_under_the_same_idempotency_key_is_told_no_wrong_secret() -> None:
    tenant = new_tenant()["id"]
    made = [
        call(
            "POST",
            "/api/keys",
            caller=caller_context(tenant, key_id="mem-one"),
            headers={"Idempotency-Key": f"renewed-{tenant}", "Authorization": f"Bearer {token}"},
            body={"name": "k", "role": "viewer"},
        ).json()
        for token in ("token-of-this-hour", "token-of-the-next")
    ]
    assert all(is_known(one["key"]) for one in made)


def test_changes_of_a_key_hold_from_the_next_request_on_for_both_secrets() -> None:
    tenant = new_tenant()["id"]
    owner = caller_context(tenant)
    old = new_key(tenant, requests_per_minute=5)
    new = rotate(old["id"], owner).json()
    path = f"/api/keys/{old['id']}"
    changed = call("PATCH", path, caller=owner, body={"role": "viewer", "name": "ro", "requests_per_minute": 9})
    assert (changed.json()["role"], changed.json()["name"]) == ("viewer", "ro")
    assert {(c["role"], c["key_requests_per_minute"]) for c in map(context_of, (old["key"], new["key"]))} == {
        ("viewer", "9")
    }
    freed = call("PATCH", path, caller=owner, body={"requests_per_minute": None, "role": None}).json()
    assert (freed["requests_per_minute"], freed["role"]) == (None, "viewer")
    assert call("PATCH", path, caller=owner, body={"expires_at": "2001-01-01T00:00:00Z"}).status == 422
    assert call("PATCH", path, caller=caller_context(new_tenant()["id"]), body={"name": "x"}).status == 404


def test_nobody_changes_or_rotates_a_key_that_can_do_more_than_they_can() -> None:
    tenant = new_tenant()["id"]
    owner, slow = new_key(tenant), new_key(tenant, role="viewer", requests_per_minute=3)
    admin = caller_context(tenant, role="admin")
    assert rotate(owner["id"], admin).status == 403
    assert call("PATCH", f"/api/keys/{owner['id']}", caller=admin, body={"role": "viewer"}).status == 403
    assert call("PATCH", f"/api/keys/{slow['id']}", caller=admin, body={"role": "owner"}).status == 403
    limited = admin | {"key_requests_per_minute": "3"}
    assert call("PATCH", f"/api/keys/{slow['id']}", caller=limited, body={"requests_per_minute": None}).status == 403
    assert call("POST", "/api/keys", caller=limited, body={"name": "k", "role": "viewer"}).status == 403
    assert rotate(slow["id"], limited).status == 201


def test_an_expired_key_is_not_rotated_and_a_previous_secret_outlives_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = new_tenant()["id"]
    soon = rfc3339(utc_now() + timedelta(seconds=30))
    old = new_key(tenant, expires_at=soon)
    rotated = rotate(old["id"], caller_context(tenant), overlap_seconds=3600).json()
    assert rotated["previous_until"] == soon
    keys = Keys(DynamoKeys(services().table), clock=lambda: utc_now() + timedelta(seconds=31))
    with pytest.raises(Conflict, match="expired"):
        keys.rotate(OPERATOR_CALLER, tenant, old["id"], Rotation())


def test_many_rotations_at_once_leave_one_key_with_two_secrets_at_the_most() -> None:
    tenant = new_tenant()["id"]
    old = new_key(tenant)
    keys = Keys(DynamoKeys(services().table))

    def turn(_: int) -> str | None:
        try:
            return keys.rotate(OPERATOR_CALLER, tenant, old["id"], Rotation())[1]
        except Conflict:
            return None

    with ThreadPoolExecutor(8) as pool:
        secrets = [secret for secret in pool.map(turn, range(8)) if secret]
    assert secrets
    known = [secret for secret in [old["key"], *secrets] if is_known(secret)]
    assert len(known) == 2
    keys.revoke(OPERATOR_CALLER, tenant, old["id"])
    assert not any(is_known(secret) for secret in known)


def test_the_time_of_the_last_use_is_written_every_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = new_tenant()["id"]
    key = new_key(tenant)["key"]
    owner = caller_context(tenant)

    def used_at(moment: datetime) -> str:
        monkeypatch.setattr(authorizer, "utc_now", lambda: moment)
        ask(key)
        last_used: str = call("GET", "/api/keys", caller=owner).json()["items"][0]["last_used"]
        return last_used

    begin = utc_now()
    assert used_at(begin) == rfc3339(begin)
    assert used_at(begin + timedelta(minutes=4)) == rfc3339(begin)
    assert used_at(begin + timedelta(minutes=6)) == rfc3339(begin + timedelta(minutes=6))


def test_a_key_of_an_earlier_version_is_known_shown_changed_and_revoked() -> None:
    tenant = new_tenant()["id"]
    key_id, secret = new_id("key"), "smyth_of-an-earlier-version"
    sha256 = hash_secret(secret)
    record = {"id": key_id, "tenant_id": tenant, "name": "old", "role": "owner", "prefix": secret[:12], "v": 1}
    lists = {"agents": [], "routes": [], "sha256": sha256, "created_by": "operator", "last_used_day": "2026-01-31"}
    times = {"created_at": "2026-01-01T00:00:00.000Z"}
    table = services().table
    table.put_many([table_key(f"KEY#{sha256}", "META") | record | lists | times])
    table.put_many([table_key(f"T#{tenant}", f"KEY#{key_id}") | {"sha256": sha256}])
    owner = caller_context(tenant)
    assert call("GET", "/api/keys", caller=owner).json()["items"][0]["last_used"] == "2026-01-31"
    assert context_of(secret)["tenant_id"] == tenant
    assert call("PATCH", f"/api/keys/{key_id}", caller=owner, body={"name": "new"}).json()["name"] == "new"
    assert call("DELETE", f"/api/keys/{key_id}", caller=owner).status == 204
    assert not is_known(secret)
