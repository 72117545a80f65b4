"""Paying through Stripe: its own library against a peer that speaks its protocol over a socket."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from ulid import ULID

from smyth.http.services import services
from smyth.http.settings import settings
from smyth.platform.errors import Busy
from smyth.platform.metering import Entry
from tests.integration.events import OPERATOR, Answer, Context, call, caller_context
from tests.peers.stripe_server import API_KEY, WEBHOOK_SECRET, StripeServer, signature


@pytest.fixture
def stripe(cloud: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeServer]:
    """An account at Stripe that the functions know."""
    name = f"stripe-{ULID()}"
    secret = json.dumps({"api_key": API_KEY, "webhook_secret": WEBHOOK_SECRET})
    boto3.client("secretsmanager", endpoint_url=cloud).create_secret(Name=name, SecretString=secret)
    with StripeServer() as server:
        monkeypatch.setenv("STRIPE_SECRET_ARN", name)
        monkeypatch.setenv("SMYTH_STRIPE_URL", server.url)
        monkeypatch.setenv("SMYTH_CUSTOMER", "harbour")
        monkeypatch.setenv("SMYTH_BILLING", json.dumps({"model_meter": "smyth_models"}))
        settings.cache_clear()
        services.cache_clear()
        yield server
    settings.cache_clear()
    services.cache_clear()


@pytest.fixture
def prepaid() -> Context:
    return tenant_with("prepaid")


def tenant_with(plan: str) -> Context:
    limits = {"requests_per_month": 0} if plan == "prepaid" else {}
    body = {"name": "Buyer", "plan": plan, "limits": limits}
    return caller_context(call("POST", "/api/tenants", body=body, caller=OPERATOR).json()["id"], plan=plan)


def order(tenant: Context, packages: int = 1, key: str = "") -> Answer:
    headers = {"Idempotency-Key": key} if key else {}
    return call("POST", "/api/billing/prepaid", body={"packages": packages}, headers=headers, caller=tenant)


def deliver(event: tuple[bytes, str]) -> Answer:
    body, signed = event
    headers = {"Stripe-Signature": signed, "Content-Type": "application/json"}
    return call("POST", "/api/billing/stripe-webhook", body=body.decode(), headers=headers)


def granted(tenant: Context) -> int:
    return services().meter.store.meter(tenant["tenant_id"], "prepaid").granted


def payments(tenant: Context) -> list[tuple[Any, ...]]:
    items = call("GET", "/api/billing/payments", caller=tenant).json()["items"]
    return [(one["kind"], one["amount"], one["requests"], one["by"]) for one in items]


def test_what_is_paid_at_checkout_can_be_used(stripe: StripeServer, prepaid: Context) -> None:
    answer = order(prepaid, packages=2)
    assert answer.status == 201, answer.content
    page = answer.json()
    assert (page["requests"], page["price"]) == (20_000, "100.000000")
    assert page["url"].startswith(stripe.url)
    session = stripe.sessions[page["id"]]
    assert (session["amount_total"], session["currency"]) == (10_000, "usd")
    assert granted(prepaid) == 0
    event = stripe.pay(page["id"])
    assert [deliver(event).status for _ in range(3)] == [200, 200, 200]
    assert payments(prepaid) == [("topup", "100.000000", 20_000, "stripe")]
    assert granted(prepaid) == 20_000


def test_a_repeated_order_is_one_session_of_one_customer(stripe: StripeServer, prepaid: Context) -> None:
    first, second = order(prepaid, key="order-1"), order(prepaid, key="order-1")
    assert first.json() == second.json()
    order(prepaid)
    assert len(stripe.sessions) == 2
    assert len(stripe.customers) == 1


def test_refunds_at_stripe_take_back_their_share(stripe: StripeServer, prepaid: Context) -> None:
    page = order(prepaid).json()
    deliver(stripe.pay(page["id"]))
    third, rest = stripe.refund(page["id"], 1_667), stripe.refund(page["id"], 3_333)
    assert deliver(rest).status == 200  # In any order, and more than once.
    assert [deliver(third).status for _ in range(2)] == [200, 200]
    assert sorted(payments(prepaid)) == [
        ("refund", "16.670000", 3_334, "stripe"),
        ("refund", "33.330000", 6_666, "stripe"),
        ("topup", "50.000000", 10_000, "stripe"),
    ]
    assert granted(prepaid) == 0


def test_a_refund_of_used_requests_takes_what_is_left(stripe: StripeServer, prepaid: Context) -> None:
    page = order(prepaid).json()
    deliver(stripe.pay(page["id"]))
    search = {"namespace": "n", "vector": [1.0]}
    assert call("POST", "/api/vectordb/search", body=search, caller=prepaid).status == 200
    assert deliver(stripe.refund(page["id"], 5_000)).status == 200
    assert payments(prepaid)[0] == ("refund", "50.000000", 9_999, "stripe")
    assert granted(prepaid) == 1


def test_forged_old_and_changed_events_are_refused(stripe: StripeServer, prepaid: Context) -> None:
    body, signed = stripe.pay(order(prepaid).json()["id"])
    forged = [
        (body, ""),
        (body, "nonsense"),
        (body, "t=now,v1="),
        (body, signature(body, secret="whsec_other")),
        (body, signature(body, at=time.time() - 3_600)),
        (body.replace(b"10000", b"99999"), signed),
        (b"\xff", signed),
        (b"", signature(b"")),
        (b"[]", signature(b"[]")),
        (b"{}", signature(b"{}")),
    ]
    answers = [deliver((sent.decode("latin-1").encode(), sign)) for sent, sign in forged]
    assert [answer.status for answer in answers] == [400] * len(forged)
    assert {answer.json()["type"] for answer in answers} == {"urn:smyth:problem:bad_signature"}
    assert payments(prepaid) == []
    assert granted(prepaid) == 0


def test_events_of_no_concern_are_taken_and_change_nothing(stripe: StripeServer, prepaid: Context) -> None:
    page = order(prepaid).json()
    session = stripe.sessions[page["id"]]
    unpaid = stripe.event("checkout.session.completed", session)
    foreign = session | {"payment_status": "paid", "metadata": session["metadata"] | {"smyth_stack": "other"}}
    others = session | {"payment_status": "paid", "metadata": {}}
    gone = session | {"payment_status": "paid", "metadata": session["metadata"] | {"smyth_tenant": "ten-gone"}}
    euros = session | {"payment_status": "paid", "currency": "eur"}
    paid = [stripe.event("checkout.session.completed", one) for one in (foreign, others, gone, euros)]
    events = [unpaid, *paid, stripe.event("customer.created", {"id": "cus_1"})]
    assert [deliver(event).status for event in events] == [200] * len(events)
    assert payments(prepaid) == []


def test_stripes_failures_are_told_without_its_words_on_the_key(stripe: StripeServer, prepaid: Context) -> None:
    stripe.failures = [503, 503, 503]
    busy = order(prepaid)
    assert busy.status == 503
    assert "Nothing was charged" in busy.json()["detail"]
    stripe.failures = []
    vars(services()).pop("checkout", None)
    name = settings().stripe_secret_arn
    wrong = json.dumps({"api_key": "sk_test_wrong", "webhook_secret": WEBHOOK_SECRET})
    boto3.client("secretsmanager").put_secret_value(SecretId=name, SecretString=wrong)
    refused = order(prepaid)
    assert refused.status == 503
    assert "does not accept the stack's API key" in refused.json()["detail"]
    assert "sk_test" not in refused.content.decode()


def settled(tenant: Context, **fields: Any) -> Entry:
    now = datetime.now(UTC)
    base = {"plan": "payg", "fee": 10_000, "price": 10_000, "status": "settled"} | fields
    return Entry(
        request_id=str(ULID()),
        tenant_id=tenant["tenant_id"],
        at=now,
        lease_until=now + timedelta(minutes=1),
        **base,
    )


def test_requests_paid_one_by_one_become_meter_events_once(stripe: StripeServer) -> None:
    tenant = tenant_with("payg")
    plain, model = settled(tenant), settled(tenant, price=12_345)
    others = [
        settled(tenant, status="released", price=0),
        settled(tenant, status="reserved", price=0),
        settled(tenant, plan="prepaid"),
        settled(tenant, plan="basic", fee=0, price=0),
        settled(tenant, plan="gone"),
        settled(caller_context(plan="payg")),  # A tenant that is gone.
    ]
    report = services().checkout.report_usage
    assert report([plain, model, *others]) == 2
    assert report([plain, model]) == 2
    customer = next(iter(stripe.customers))
    told = {one["identifier"]: (one["event_name"], one["payload"]) for one in stripe.meter_events.values()}
    assert told == {
        plain.request_id: ("smyth_requests", {"stripe_customer_id": customer, "value": "1"}),
        model.request_id: ("smyth_requests", {"stripe_customer_id": customer, "value": "1"}),
        f"{model.request_id}-models": ("smyth_models", {"stripe_customer_id": customer, "value": "2345"}),
    }


def test_what_could_not_be_reported_is_reported_with_the_next_try(stripe: StripeServer) -> None:
    tenant = tenant_with("payg")
    entries = [settled(tenant), settled(tenant)]
    assert services().checkout.report_usage(entries[:1]) == 1
    stripe.failures = [500, 500]
    with pytest.raises(Busy):
        services().checkout.report_usage(entries)
    stripe.failures = []
    assert services().checkout.report_usage(entries) == 2
    assert len(stripe.meter_events) == 2


def test_without_an_account_nothing_is_reported() -> None:
    assert services().checkout.report_usage([settled(tenant_with("payg"))]) == 0
