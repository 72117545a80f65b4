"""People and machines who sign in: through the authorizer, invitations and members, with an issuer that is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import httpx
import pytest

from functions.authorizer import handler as authorizer
from smyth.aws.audit import DynamoAudit
from smyth.aws.members import DynamoMembers
from smyth.http.services import services
from smyth.http.settings import settings
from smyth.platform.access import PERSON, Caller
from smyth.platform.audit import OPERATOR_CHAIN, Entry
from smyth.platform.errors import NotFound
from smyth.platform.members import Members
from tests.integration.events import OPERATOR, Answer, Context, LambdaContext, call, caller_context
from tests.integration.test_tenants_and_keys import new_key, new_tenant
from tests.peers.http_service import Reply
from tests.peers.jwt_attacks import ATTACKS
from tests.peers.oidc_server import MACHINE, MACHINE_SECRET, PEOPLE, OidcServer

OPERATORS_KEY = {"Authorization": "Bearer operator-secret"}


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Iterator[OidcServer]:
    """An issuer that this stack takes tokens of."""
    with OidcServer() as server:
        entry = {"issuer": server.url, "audience": [PEOPLE, MACHINE], "groups_claim": "cognito:groups"}
        monkeypatch.setenv("SMYTH_ISSUERS", json.dumps([entry]))
        monkeypatch.setenv("SMYTH_ALLOW_PRIVATE_HTTP", "1")
        _forget()
        yield server
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    settings.cache_clear()
    authorizer._tokens.cache_clear()


_addresses = iter(range(1, 60_000))


def new_address() -> str:
    """An address that no other test calls from."""
    number = next(_addresses)
    return f"198.18.{number // 250}.{number % 250}"


def ask(credential: str, *, tenant_id: str = "", source_ip: str = "") -> dict[str, Any]:
    event = {
        "methodArn": "arn:aws:execute-api:x",
        "headers": {"Authorization": f"Bearer {credential}"} | ({"X-Tenant-Id": tenant_id} if tenant_id else {}),
        "httpMethod": "GET",
        "resource": "/api/agents",
        "requestContext": {"identity": {"sourceIp": source_ip or new_address()}},
    }
    verdict: dict[str, Any] = authorizer.handler(event, LambdaContext())
    return verdict


def context_of(credential: str, tenant_id: str = "") -> Context:
    context: Context = ask(credential, tenant_id=tenant_id)["context"]
    assert all(isinstance(value, str) for value in context.values())
    return context


def invite(tenant_id: str, caller: Context = OPERATOR, **fields: Any) -> Answer:
    body = {"name": "Ada", "role": "developer"} | fields | ({"tenant_id": tenant_id} if caller is OPERATOR else {})
    return call("POST", "/api/invitations", caller=caller, headers=OPERATORS_KEY, body=body)


def accept(code: str, token: str) -> Answer:
    return call("POST", "/api/invitations/accept", caller=context_of(token), body={"code": code})


def join(tenant_id: str, token: str, **fields: Any) -> dict[str, Any]:
    answer = accept(invite(tenant_id, **fields).json()["code"], token)
    assert answer.status == 200, answer.content
    made: dict[str, Any] = answer.json()
    return made


def test_who_signed_in_but_is_no_member_may_nothing_but_accept_an_invitation(issuer: OidcServer) -> None:
    stranger = context_of(issuer.access_token("stranger"))
    assert (stranger["role"], stranger["tenant_id"]) == ("person", "")
    for method, path in [("GET", "/api/agents"), ("GET", "/api/keys"), ("POST", "/api/invitations")]:
        answer = call(method, path, caller=stranger, body={"name": "x", "role": "viewer"} if method == "POST" else None)
        assert (answer.status, "invitation" in answer.json()["detail"]) == (403, True)
    assert call("GET", "/api/tenants", caller=stranger).status == 403
    assert accept("invite_unknown", issuer.access_token("stranger")).status == 404


def test_an_invited_person_acts_in_the_tenant_with_the_invitations_role(issuer: OidcServer) -> None:
    tenant = new_tenant(plan="pro", limits={"agents": 3})
    invited = invite(tenant["id"]).json()
    assert invited["code"].startswith("invite_")
    assert (
        invited["code"]
        not in call("GET", f"/api/invitations?tenant_id={tenant['id']}", caller=OPERATOR).content.decode()
    )
    member = accept(invited["code"], issuer.access_token("ada")).json()
    assert (member["role"], member["kind"], member["tenant_id"]) == ("developer", "person", tenant["id"])
    verdict = ask(issuer.access_token("ada"))
    context = verdict["context"]
    assert (context["tenant_id"], context["role"], context["key_id"]) == (tenant["id"], "developer", member["id"])
    assert (context["plan"], context["limits"]) == ("pro", '{"agents": 3}')
    assert context["subject"] == f"{issuer.url}#ada"
    assert len(verdict["usageIdentifierKey"]) >= 20
    assert call("GET", "/api/agents", caller=context).status == 200
    assert call("GET", "/api/members", caller=context).status == 403


def test_an_invitation_is_accepted_once_and_the_same_again_by_who_has_accepted_it(issuer: OidcServer) -> None:
    tenant = new_tenant()["id"]
    code = invite(tenant).json()["code"]
    first, again = accept(code, issuer.access_token("ada")), accept(code, issuer.access_token("ada"))
    assert (first.status, again.json()) == (200, first.json())
    assert accept(code, issuer.access_token("eve")).status == 404
    assert accept(invite(tenant, role="owner").json()["code"], issuer.access_token("ada")).status == 409
    assert context_of(issuer.access_token("ada"))["role"] == "developer"


def test_an_invitation_for_an_address_needs_a_token_that_proves_it(issuer: OidcServer) -> None:
    code = invite(new_tenant()["id"], email=" Ada@Example.com ").json()["code"]
    proven = {"email": "ada@example.com", "email_verified": True}
    assert accept(code, issuer.access_token("ada")).status == 403
    assert accept(code, issuer.id_token("ada", **proven | {"email_verified": False})).status == 403
    assert accept(code, issuer.id_token("eve", **proven | {"email": "eve@example.com"})).status == 403
    assert accept(code, issuer.id_token("ada", **proven)).json()["email"] == "ada@example.com"


def test_a_withdrawn_invitation_is_useless(issuer: OidcServer) -> None:
    tenant = new_tenant()["id"]
    invited = invite(tenant).json()
    path = f"/api/invitations/{invited['id']}?tenant_id={tenant}"
    assert [call("DELETE", path, caller=OPERATOR).status for _ in range(2)] == [204, 404]
    assert accept(invited["code"], issuer.access_token("ada")).status == 404


def test_nobody_joins_a_suspended_tenant(issuer: OidcServer) -> None:
    tenant = new_tenant()["id"]
    code = invite(tenant).json()["code"]
    call("PATCH", f"/api/tenants/{tenant}", caller=OPERATOR, body={"status": "suspended"})
    assert accept(code, issuer.access_token("ada")).status == 404
    call("PATCH", f"/api/tenants/{tenant}", caller=OPERATOR, body={"status": "active"})
    assert accept(code, issuer.access_token("ada")).status == 200


def test_many_acceptances_at_once_make_one_member(issuer: OidcServer) -> None:
    tenant = new_tenant()["id"]
    code = invite(tenant).json()["code"]
    members = Members(DynamoMembers(services().table))

    def take(number: int) -> str:
        try:
            return members.accept(Caller("", PERSON, "p", subject=f"{issuer.url}#{number % 2}"), code).id
        except NotFound:
            return ""

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(take, range(8))) - {""}
    assert [one["id"] for one in call("GET", "/api/members", caller=caller_context(tenant)).json()["items"]] == [*made]
    assert len(made) == 1


def test_only_open_invitations_are_listed(issuer: OidcServer) -> None:
    tenant = new_tenant()["id"]
    used, still_open = invite(tenant).json(), invite(tenant).json()
    accept(used["code"], issuer.access_token("ada"))
    listed = call("GET", "/api/invitations", caller=caller_context(tenant)).json()["items"]
    assert [one["id"] for one in listed] == [still_open["id"]]


def test_nobody_invites_or_changes_somebody_above_themselves(issuer: OidcServer) -> None:
    tenant = new_tenant()["id"]
    admin = caller_context(tenant, role="admin")
    assert invite(tenant, admin, role="owner").status == 403
    owner = join(tenant, issuer.access_token("boss"), role="owner")
    viewer = join(tenant, issuer.access_token("ada"), role="viewer")
    assert call("PATCH", f"/api/members/{owner['id']}", caller=admin, body={"role": "viewer"}).status == 403
    assert call("DELETE", f"/api/members/{owner['id']}", caller=admin).status == 403
    assert call("PATCH", f"/api/members/{viewer['id']}", caller=admin, body={"role": "owner"}).status == 403
    assert call("PATCH", f"/api/members/{viewer['id']}", caller=admin, body={"role": "king"}).status == 422
    changed = call("PATCH", f"/api/members/{viewer['id']}", caller=admin, body={"role": "admin", "name": "Ada L."})
    assert (changed.json()["role"], changed.json()["name"]) == ("admin", "Ada L.")
    assert context_of(issuer.access_token("ada"))["role"] == "admin"


def test_a_removed_member_is_out_at_once_however_long_the_token_lasts(issuer: OidcServer) -> None:
    tenant = new_tenant()["id"]
    token = issuer.access_token("ada")
    code = invite(tenant).json()["code"]
    member = accept(code, token).json()
    owner = caller_context(tenant)
    assert [call("DELETE", f"/api/members/{member['id']}", caller=owner).status for _ in range(2)] == [204, 404]
    assert context_of(token)["role"] == "person"
    assert accept(code, token).status == 404
    assert join(tenant, token)["id"] != member["id"]


def test_members_are_listed_in_pages_and_only_to_their_tenant(issuer: OidcServer) -> None:
    tenant, other = new_tenant()["id"], new_tenant()["id"]
    joined = [join(tenant, issuer.access_token(name))["id"] for name in ("ada", "bob", "eve")]
    foreign = join(other, issuer.access_token("ada"))
    owner = caller_context(tenant)
    first = call("GET", "/api/members?limit=2", caller=owner).json()
    second = call("GET", f"/api/members?limit=2&cursor={first['next_cursor']}", caller=owner).json()
    assert [one["id"] for one in first["items"] + second["items"]] == joined[::-1]
    assert call("DELETE", f"/api/members/{foreign['id']}", caller=owner).status == 404
    assert call("PATCH", f"/api/members/{foreign['id']}", caller=owner, body={"role": "viewer"}).status == 404


def test_a_member_of_several_tenants_names_the_one_they_mean(issuer: OidcServer) -> None:
    one, two, three = (new_tenant()["id"] for _ in range(3))
    token = issuer.access_token("ada")
    join(one, token, role="viewer")
    join(two, token, role="admin")
    unclear = call("GET", "/api/agents", caller=context_of(token))
    assert (unclear.status, one in unclear.json()["detail"], two in unclear.json()["detail"]) == (403, True, True)
    assert (context_of(token, two)["tenant_id"], context_of(token, two)["role"]) == (two, "admin")
    assert context_of(token, one)["role"] == "viewer"
    assert context_of(token, three)["role"] == "person"


def test_groups_give_roles_and_end_with_the_tenant(issuer: OidcServer) -> None:
    tenant = new_tenant()
    token = issuer.access_token("ada", **{"cognito:groups": [f"{tenant['id']}:admin", "ten-none:owner"]})
    context = context_of(token, tenant["id"])
    assert (context["tenant_id"], context["role"]) == (tenant["id"], "admin")
    assert context_of(token, "ten-none")["role"] == "person"
    call("PATCH", f"/api/tenants/{tenant['id']}", caller=OPERATOR, body={"status": "suspended"})
    assert call("GET", "/api/agents", caller=context_of(token, tenant["id"])).status == 403


def machine_token(issuer: OidcServer, scope: str) -> str:
    """What a machine does: fetch a token by its client id and secret."""
    answer = httpx.post(
        f"{issuer.url}/oauth2/token",
        auth=(MACHINE, MACHINE_SECRET),
        data={"grant_type": "client_credentials", "scope": scope},
    )
    token: str = answer.raise_for_status().json()["access_token"]
    return token


def test_a_machine_signs_in_by_client_credentials_within_the_scopes_it_asked_for(issuer: OidcServer) -> None:
    tenant = new_tenant()["id"]
    member = join(tenant, machine_token(issuer, "smyth/admin"), role="admin", name="deployer")
    assert member["kind"] == "machine"
    assert context_of(machine_token(issuer, "smyth/admin"))["role"] == "admin"
    narrow = context_of(machine_token(issuer, "smyth/viewer"))
    assert (narrow["tenant_id"], narrow["role"], narrow["key_id"]) == (tenant, "viewer", member["id"])
    assert call("GET", "/api/agents", caller=narrow).status == 200
    assert call("GET", "/api/keys", caller=narrow).status == 403


def refusals_from(address: str) -> list[Entry]:
    entries = DynamoAudit(services().table).entries(OPERATOR_CHAIN, newest_first=True)
    return [entry for _, entry in islice(entries, 20) if entry.source_ip == address]


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_attack_on_tokens_is_unauthorized(issuer: OidcServer, attack: str) -> None:
    claims = {"sub": "ada", "client_id": PEOPLE, "token_use": "access", "iss": issuer.url, "exp": 4102444800}
    address = new_address()
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        ask(ATTACKS[attack](issuer, claims), source_ip=address)
    (told,) = refusals_from(address)
    assert (told.status, told.code.startswith("token_"), told.action) == (401, True, "GET /api/agents")


def test_without_issuers_no_token_is_taken(cloud: str) -> None:
    with OidcServer() as foreign, pytest.raises(Exception, match=r"^Unauthorized$"):
        ask(foreign.access_token("ada"))


def test_an_issuer_that_cannot_be_asked_is_our_failure_and_not_the_callers(issuer: OidcServer) -> None:
    issuer.instead = Reply({}, 503)
    with pytest.raises(Exception, match="cannot be fetched"):
        ask(issuer.access_token("ada"))


def test_an_address_that_tries_keys_is_refused_for_the_rest_of_the_minute_good_keys_included(
    issuer: OidcServer, operator_secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_key(new_tenant()["id"])["key"]
    attacker, neighbour = new_address(), new_address()
    _stop_the_clock(monkeypatch)
    tries = ["smyth_guess", "guess", ATTACKS["wrong key"](issuer, {"iss": issuer.url, "sub": "a", "exp": 4102444800})]
    for number in range(30):
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            ask(tries[number % 3], source_ip=attacker)
    for credential in (key, operator_secret, "smyth_guess", issuer.access_token("ada")):
        verdict = ask(credential, source_ip=attacker)
        assert verdict["policyDocument"]["Statement"][0]["Effect"] == "Deny"
        assert "context" not in verdict
    told = {(one.status, one.code) for one in refusals_from(attacker)}
    assert told == {(401, "unknown_key"), (401, "token_wrong_signature"), (429, "too_many_attempts")}
    assert ask(key, source_ip=neighbour)["context"]["role"] == "owner"


def test_the_next_minute_forgives_and_good_keys_do_not_count(
    issuer: OidcServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_key(new_tenant()["id"])["key"]
    address = new_address()
    clock = _stop_the_clock(monkeypatch)
    for _ in range(40):
        assert ask(key, source_ip=address)["context"]["role"] == "owner"
    for _ in range(30):
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            ask("smyth_guess", source_ip=address)
    assert "context" not in ask(key, source_ip=address)
    clock.minute += 1
    assert ask(key, source_ip=address)["context"]["role"] == "owner"


def test_a_network_of_ipv6_is_one_address(cloud: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _stop_the_clock(monkeypatch)
    for number in range(30):
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            ask("smyth_guess", source_ip=f"2001:db8:1:2::{number:x}")
    assert "context" not in ask("smyth_guess", source_ip="2001:db8:1:2:ffff::1")
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        ask("smyth_guess", source_ip="2001:db8:1:3::1")


class _Clock:
    """Stands within a minute until a test moves it."""

    def __init__(self) -> None:
        self.began = datetime.now(UTC)
        self.minute = 0

    def __call__(self) -> datetime:
        return self.began + timedelta(minutes=self.minute)


def _stop_the_clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    clock = _Clock()
    monkeypatch.setattr(authorizer, "utc_now", clock)
    return clock
