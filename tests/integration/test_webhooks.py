"""Webhooks and calls of trigger components, through their public function up to the queue."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest

from smyth.connectors.hooks.schemes import new_secret
from smyth.connectors.identity.google import ISSUER, GooglePushTokens
from smyth.connectors.vault.memory import MemoryVault
from smyth.http.services import services
from tests.integration.events import Answer, Context, call, caller_context
from tests.peers.oidc_server import OidcServer

ACCOUNT, AUDIENCE = "push@project.iam.gserviceaccount.com", "https://api.example.com/trigger"
APP_SECRET = "meta-app-secret"
TRIGGERS = {
    "wa": ("WhatsAppTrigger", {"verifyToken": "{{KEY(wa)}}", "clientId": "1", "clientSecret": "{{KEY(app)}}"}),
    "mail": ("GmailTrigger", {"oauth_cred_id": "google", "interval": 15}),
    "job": ("JobSchedulerTrigger", {"interval": 7, "payload": "{}"}),
}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was put on the queue."""
    kept: list[dict[str, Any]] = []
    monkeypatch.setattr(services().trigger_queue, "send", lambda body: kept.append(json.loads(body)))
    return kept


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[OidcServer]:
    """Google's keys, over HTTP."""
    with OidcServer() as server:
        tokens = GooglePushTokens(certificates=f"{server.url}/jwks.json")
        monkeypatch.setattr(services().component_calls, "_google", tokens)
        yield server


def agent_of(caller: Context) -> str:
    components = [
        {
            "id": f"C{name}",
            "name": kind,
            "title": name,
            "inputs": [],
            "outputs": [],
            "data": {"triggerEndpoint": name, **data},
        }
        for name, (kind, data) in TRIGGERS.items()
    ]
    document = {"version": "1.0.0", "name": "listener", "components": components, "connections": []}
    made = call("POST", "/api/agents/import", body=document, caller=caller)
    assert made.status == 201, made.content
    return str(made.json()["id"])


def trigger(caller: Context, rule: dict[str, Any], target: dict[str, Any], agent_id: str) -> Answer:
    body = {"name": "hook", "agent_id": agent_id, "rule": rule, "target": target}
    return call("POST", "/api/triggers", body=body, caller=caller)


def webhook(caller: Context, scheme: str = "standard") -> str:
    made = trigger(caller, {"kind": "webhook", "scheme": scheme}, {"prompt": "Look: {{type}}"}, agent_of(caller))
    assert made.status == 201, made.content
    return str(made.json()["id"])


def secret_of(caller: Context, trigger_id: str, **body: Any) -> str:
    made = call("POST", f"/api/triggers/{trigger_id}/secret", body=body, caller=caller)
    assert made.status == 201, made.content
    return str(made.json()["secret"])


def post(
    trigger_id: str, secret: str, body: bytes = b'{"type": "paid"}', *, name: str = "msg_1", at: int = 0
) -> Answer:
    at = at or int(time.time())
    key = base64.b64decode(secret.removeprefix("whsec_"))
    made = base64.b64encode(hmac.new(key, f"{name}.{at}.".encode() + body, sha256).digest()).decode()
    headers = {"webhook-id": name, "webhook-timestamp": str(at), "webhook-signature": f"v1,{made}"}
    return call("POST", f"/hooks/{trigger_id}", body=body, headers=headers)


def test_a_signed_message_is_queued_under_its_own_name(caller: Context, sent: list[dict[str, Any]]) -> None:
    trigger_id = webhook(caller)
    taken = post(trigger_id, secret_of(caller, trigger_id))
    assert (taken.status, taken.json()) == (202, {"accepted": True, "delivery_id": "msg_1"})
    assert [(one["tenant_id"], one["trigger_id"], one["delivery_id"], one["payload"]) for one in sent] == [
        (caller["tenant_id"], trigger_id, "msg_1", {"type": "paid"})
    ]


def test_nothing_is_queued_without_a_secret_a_signature_or_in_time(caller: Context, sent: list[dict[str, Any]]) -> None:
    trigger_id = webhook(caller)
    assert post(trigger_id, new_secret()).status == 400
    secret = secret_of(caller, trigger_id)
    for answer in (
        post(trigger_id, new_secret()),
        post(trigger_id, secret, at=int(time.time()) - 3600),
        call("POST", f"/hooks/{trigger_id}", body=b"{}"),
    ):
        assert answer.status == 400, answer.content
        assert secret not in answer.content.decode()
    assert post("trg-01jd0000000000000000000000", secret).status == 404
    assert post("x", secret).status == 404
    assert post(trigger_id, secret, b"x" * 250_000).status == 413
    assert sent == []


def test_an_old_secret_counts_until_its_overlap_ends_and_none_is_shown_again(
    caller: Context, sent: list[dict[str, Any]]
) -> None:
    trigger_id = webhook(caller)
    first = secret_of(caller, trigger_id)
    second = secret_of(caller, trigger_id)
    assert [post(trigger_id, secret).status for secret in (first, second)] == [202, 202]
    third = secret_of(caller, trigger_id, overlap_seconds=0)
    assert [post(trigger_id, secret).status for secret in (first, second, third)] == [400, 400, 202]
    shown = call("GET", f"/api/triggers/{trigger_id}", caller=caller).content.decode()
    assert not any(secret in shown for secret in (first, second, third))


def test_of_two_secrets_made_at_once_one_is_refused_and_the_other_counts(
    caller: Context, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    trigger_id = webhook(caller)
    first = secret_of(caller, trigger_id)
    quicker: list[str] = []
    get = services().triggers.get

    def get_before_another(*args: Any) -> Any:
        seen = get(*args)
        if not quicker:
            quicker.append("")
            quicker[0] = secret_of(caller, trigger_id)
        return seen

    monkeypatch.setattr(services().triggers, "get", get_before_another)
    assert call("POST", f"/api/triggers/{trigger_id}/secret", body={}, caller=caller).status == 409
    assert [post(trigger_id, secret).status for secret in (first, *quicker)] == [202, 202]


def test_only_who_may_write_the_agent_gets_a_secret(caller: Context) -> None:
    trigger_id = webhook(caller)
    other = caller_context()
    assert call("POST", f"/api/triggers/{trigger_id}/secret", body={}, caller=other).status == 404
    short = call("POST", f"/api/triggers/{trigger_id}/secret", body={"secret": "short"}, caller=caller)
    assert short.status == 422


def test_text_that_is_no_json_reaches_the_agent_as_text(caller: Context, sent: list[dict[str, Any]]) -> None:
    trigger_id = webhook(caller)
    secret = secret_of(caller, trigger_id)
    assert post(trigger_id, secret, b"plain \xff").status == 202
    assert post(trigger_id, secret, b"[1]", name="msg_2").status == 202
    assert [one["payload"] for one in sent] == [{"text": "plain \ufffd"}, {"body": [1]}]


def test_a_webhook_that_is_switched_off_takes_nothing(caller: Context, sent: list[dict[str, Any]]) -> None:
    trigger_id = webhook(caller)
    secret = secret_of(caller, trigger_id)
    call("PATCH", f"/api/triggers/{trigger_id}", body={"enabled": False}, caller=caller)
    assert post(trigger_id, secret).status == 409
    assert sent == []


def component(caller: Context, endpoint: str, **rule: Any) -> tuple[str, dict[str, Any]]:
    """The agent's id, and the trigger of one of its components."""
    agent_id = agent_of(caller)
    made = trigger(caller, {"kind": "component", **rule}, {"trigger": endpoint}, agent_id)
    assert made.status == 201, made.content
    return agent_id, made.json()


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tenant's credentials."""
    kept = MemoryVault({"default": {"wa": "open sesame", "app": APP_SECRET}})
    monkeypatch.setattr(services(), "vault", lambda tenant_id: kept)
    monkeypatch.setattr(services().component_calls, "_vault", lambda tenant_id: kept)


@pytest.mark.usefixtures("vault")
def test_metas_handshake_is_answered_at_once(caller: Context) -> None:
    agent_id, _ = component(caller, "wa")
    query = "hub.mode=subscribe&hub.challenge=4711&hub.verify_token="
    good = call("GET", f"/trigger/{agent_id}/wa?{query}open%20sesame")
    assert (good.status, good.content) == (200, b"4711")
    assert call("GET", f"/trigger/{agent_id}/wa?{query}wrong").status == 403
    assert call("GET", f"/trigger/{agent_id}/mail").status == 404


@pytest.mark.usefixtures("vault")
def test_metas_messages_count_with_its_signature_only(caller: Context, sent: list[dict[str, Any]]) -> None:
    agent_id, made = component(caller, "wa")
    body = b'{"object": "whatsapp_business_account", "entry": []}'
    signature = "sha256=" + hmac.new(APP_SECRET.encode(), body, sha256).hexdigest()

    def told(content: bytes, header: str) -> int:
        answer = call("POST", f"/trigger/{agent_id}/wa", body=content, headers={"x-hub-signature-256": header})
        return answer.status

    assert [told(body, signature), told(body, signature)] == [202, 202]
    assert [told(body + b" ", signature), told(body, ""), told(body, "sha256=ü")] == [400, 400, 400]
    assert {(one["trigger_id"], one["delivery_id"]) for one in sent} == {(made["id"], sha256(body).hexdigest())}


def test_googles_push_counts_with_the_subscriptions_token_only(
    caller: Context, sent: list[dict[str, Any]], google: OidcServer
) -> None:
    agent_id, _ = component(caller, "mail", push={"service_account": ACCOUNT, "audience": AUDIENCE})
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "1", "email": ACCOUNT, "email_verified": True}
    body = {"message": {"messageId": "77", "data": "e30="}, "subscription": "projects/p/subscriptions/s"}

    def told(token: str, content: Any = body) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return call("POST", f"/trigger/{agent_id}/mail", body=content, headers=headers).status

    assert told(google.sign(claims)) == 202
    forged = [
        google.sign(claims | {"aud": "https://elsewhere.example"}),
        google.sign(claims | {"email": "other@project.iam.gserviceaccount.com"}),
        google.sign(claims | {"email_verified": False}),
        google.sign(claims | {"iss": "https://accounts.evil.example"}),
        google.sign(claims | {"exp": int(time.time()) - 3600}),
        "no token",
    ]
    assert [told(token) for token in forged] == [400] * len(forged)
    assert told(google.sign(claims), {"message": {}}) == 400
    assert [one["delivery_id"] for one in sent] == ["77"]


def test_components_with_an_interval_get_a_schedule_of_it(caller: Context) -> None:
    for endpoint, minutes in (("job", 7), ("mail", 15)):
        agent_id, made = component(caller, endpoint)
        shown = call("GET", f"/api/schedules/{made['id']}", caller=caller).json()
        assert (shown["rule"]["every"], shown["state"]) == (f"{minutes} minutes", "on")
        placed = services().calendar._client.get_schedule(GroupName=services().calendar._group, Name=made["id"])
        assert placed["ScheduleExpression"] == f"rate({minutes} minutes)"
        again = trigger(caller, {"kind": "component", "every_minutes": 60}, {"trigger": endpoint}, agent_id)
        assert again.status == 409
    assert call("POST", f"/trigger/{agent_id}/job", body=b"{}").status == 404


def test_addresses_without_a_trigger_are_unknown(caller: Context) -> None:
    agent_id = agent_of(caller)
    for path in (f"/trigger/{agent_id}/wa", f"/trigger/{agent_id}/none", "/trigger/x/wa"):
        assert call("POST", path, body=b"{}").status == 404
        assert call("GET", path).status == 404
