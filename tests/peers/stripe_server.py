"""Stripe's API as far as we use it: customers, Checkout sessions, meter events, and the webhooks about payments.

What it checks and how it refuses follows Stripe's API reference: bearer keys, form bodies, idempotency keys that replay
the first answer and refuse other parameters, and meter events whose identifier counts once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from tests.peers.http_service import Asked, HttpService, Reply

API_KEY = "sk_test_51NotARealKey0123456789"
WEBHOOK_SECRET = "whsec_not-a-real-secret-0123456789"
_OLDEST_EVENT_S = 35 * 24 * 3600
_NEWEST_EVENT_S = 300


class Refusal(Exception):
    """An error as Stripe words it."""

    def __init__(self, message: str, *, status: int = 400, kind: str = "invalid_request_error", **more: str) -> None:
        super().__init__(message)
        self.reply = Reply({"error": {"type": kind, "message": message, **more}}, status)


class StripeServer(HttpService):
    """An account with two meters."""

    def __init__(self) -> None:
        super().__init__()
        self.customers: dict[str, dict[str, Any]] = {}
        self.sessions: dict[str, dict[str, Any]] = {}
        self.charges: dict[str, dict[str, Any]] = {}
        #: By identifier.
        self.meter_events: dict[str, dict[str, Any]] = {}
        self.meters = {"smyth_requests", "smyth_models"}
        #: Answers that are still to fail with this status.
        self.failures: list[int] = []
        self._answered: dict[str, tuple[bytes, Reply]] = {}

    def answer(self, asked: Asked) -> Reply:
        try:
            if self.failures:
                raise Refusal("An unknown error occurred", status=self.failures.pop(0), kind="api_error")
            if asked.headers.get("authorization") != f"Bearer {API_KEY}":
                raise Refusal("Invalid API Key provided: sk_test_****************6789", status=401)
            return self._once(asked)
        except Refusal as refusal:
            return refusal.reply

    def _once(self, asked: Asked) -> Reply:
        key = asked.headers.get("idempotency-key")
        if key in self._answered:
            body, reply = self._answered[key]
            if body != asked.body:
                raise Refusal(
                    "Keys for idempotent requests can only be used with the same parameters they were first used with.",
                    kind="idempotency_error",
                )
            return Reply(reply.content, reply.status, headers={"idempotent-replayed": "true"})
        reply = self._do(asked.method, asked.path, nested(asked.body.decode()))
        if key:
            self._answered[key] = (asked.body, reply)
        return reply

    def _do(self, method: str, path: str, form: dict[str, Any]) -> Reply:
        match method, path:
            case "POST", "/v1/customers":
                return self._customer(form)
            case "POST", "/v1/checkout/sessions":
                return self._session(form)
            case "POST", "/v1/billing/meter_events":
                return self._meter_event(form)
        raise Refusal(f"Unrecognized request URL ({method}: {path}).", status=404)

    def _customer(self, form: dict[str, Any]) -> Reply:
        customer = {"id": _id("cus"), "object": "customer", "livemode": False, **form}
        self.customers[customer["id"]] = customer
        return Reply(customer)

    def _session(self, form: dict[str, Any]) -> Reply:
        for name in ("mode", "line_items", "success_url"):
            if not form.get(name):
                raise Refusal(f"Missing required param: {name}.", code="parameter_missing", param=name)
        if form.get("customer") not in self.customers:
            raise Refusal(f"No such customer: '{form.get('customer')}'", code="resource_missing", param="customer")
        if not re.match(r"https?://", form["success_url"]):
            raise Refusal("Not a valid URL", code="url_invalid", param="success_url")
        prices = [(line["price_data"], int(line["quantity"])) for line in form["line_items"].values()]
        session_id = _id("cs_test")
        session = {
            "id": session_id,
            "object": "checkout.session",
            "amount_total": sum(int(price["unit_amount"]) * count for price, count in prices),
            "currency": prices[0][0]["currency"],
            "customer": form["customer"],
            "livemode": False,
            "metadata": form.get("metadata", {}),
            "payment_intent": None,
            "payment_status": "unpaid",
            "status": "open",
            "url": f"{self.url}/c/pay/{session_id}",
        }
        self.sessions[session_id] = session | {"_of_charge": form.get("payment_intent_data", {}).get("metadata", {})}
        return Reply(session)

    def _meter_event(self, form: dict[str, Any]) -> Reply:
        payload, identifier = form.get("payload", {}), form.get("identifier", str(uuid4()))
        age = time.time() - int(form.get("timestamp", time.time()))
        if form.get("event_name") not in self.meters:
            raise Refusal(f"No active meter found for event name {form.get('event_name')}.")
        if payload.get("stripe_customer_id") not in self.customers:
            raise Refusal(f"No such customer: '{payload.get('stripe_customer_id')}'", code="resource_missing")
        if not str(payload.get("value", "")).isdigit():
            raise Refusal("The payload's value must be a number.")
        if not -_NEWEST_EVENT_S <= age <= _OLDEST_EVENT_S:
            raise Refusal("The timestamp must be within the past 35 days or up to 5 minutes in the future.")
        if identifier in self.meter_events:
            raise Refusal(f"An event already exists with identifier {identifier}.")
        event = {"object": "billing.meter_event", "identifier": identifier, "livemode": False, **form}
        self.meter_events[identifier] = event
        return Reply(event)

    def pay(self, session_id: str) -> tuple[bytes, str]:
        """Pay a session; return the event that Stripe sends, and its signature."""
        session = self.sessions[session_id]
        session |= {"payment_status": "paid", "status": "complete", "payment_intent": _id("pi")}
        charge = {
            "id": _id("ch"),
            "object": "charge",
            "amount": session["amount_total"],
            "amount_refunded": 0,
            "currency": session["currency"],
            "metadata": session["_of_charge"],
            "payment_intent": session["payment_intent"],
        }
        self.charges[session_id] = charge
        return self.event("checkout.session.completed", session)

    def refund(self, session_id: str, cents: int) -> tuple[bytes, str]:
        """Give some of a session's money back; return the event and its signature."""
        charge = self.charges[session_id]
        before = charge["amount_refunded"]
        charge["amount_refunded"] += cents
        return self.event("charge.refunded", charge, previous={"amount_refunded": before})

    def event(self, kind: str, thing: dict[str, Any], previous: dict[str, Any] | None = None) -> tuple[bytes, str]:
        """Return an event as it is sent, and its signature."""
        shown = {name: value for name, value in thing.items() if not name.startswith("_")}
        data = {"object": shown} | ({"previous_attributes": previous} if previous is not None else {})
        event = {"id": _id("evt"), "object": "event", "type": kind, "livemode": False, "data": data}
        body = json.dumps(event).encode()
        return body, signature(body)


def signature(body: bytes, *, at: float | None = None, secret: str = WEBHOOK_SECRET) -> str:
    """Sign a webhook as Stripe does."""
    moment = int(time.time() if at is None else at)
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def nested(form: str) -> dict[str, Any]:
    """Read ``a[b][0]=c`` as Stripe does; lists stay objects by index."""
    read: dict[str, Any] = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        first, *rest = re.findall(r"[^\[\]]+", name)
        place = read
        for part in [first, *rest][:-1]:
            place = place.setdefault(part, {})
        place[[first, *rest][-1]] = value
    return read


def _id(prefix: str) -> str:
    return f"{prefix}_{uuid4().hex[:24]}"
