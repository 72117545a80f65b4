"""Stripe, through its own library: Checkout for orders, billing meters for usage, verified webhooks for the rest."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from smyth.connectors.payments.port import Forged, Order, Page, Paid, ProviderFailed, Refunded

if TYPE_CHECKING:
    import stripe
    from stripe.params.checkout import SessionCreateParams, SessionCreateParamsLineItemPriceData

#: A function answers within 29 seconds; two tries must fit.
_TIMEOUT_S = 10
_RETRIES = 1
_CURRENCY = "usd"
_T = TypeVar("_T")
#: What Stripe says of a meter event that it has; it has no code for it.
_KNOWN_EVENT = "event already exists with identifier"
_PAID = ("checkout.session.completed", "checkout.session.async_payment_succeeded")


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of an account."""

    api_key: str = field(repr=False)
    #: Signs what Stripe sends.
    webhook_secret: str = field(repr=False)


def read_keys(text: str) -> Keys:
    """Return the keys that a secret's JSON holds.

    Raises:
        ProviderFailed: The secret has no such keys yet.
    """
    try:
        said = json.loads(text)
        return Keys(api_key=said["api_key"], webhook_secret=said["webhook_secret"])
    except (ValueError, KeyError, TypeError):
        raise ProviderFailed(
            'the secret of Stripe\'s keys must hold {"api_key": "sk_...", "webhook_secret": "whsec_..."}'
        ) from None


class Stripe:
    """A :class:`~smyth.connectors.payments.port.PaymentProvider`."""

    def __init__(self, keys: Callable[[], Keys], *, url: str = "") -> None:
        """Make the adapter.

        Args:
            keys: Returns the account's keys, which may be replaced while we run.
            url: Another server than Stripe's, for tests.
        """
        self._keys = keys
        self._url = url
        self._made: tuple[str, stripe.StripeClient] | None = None

    @property
    def _client(self) -> stripe.StripeClient:
        import stripe

        api_key = self._keys().api_key
        if self._made is None or self._made[0] != api_key:
            client = stripe.StripeClient(
                api_key,
                base_addresses={"api": self._url} if self._url else {},
                http_client=stripe.RequestsClient(timeout=_TIMEOUT_S),
                max_network_retries=_RETRIES,
            )
            self._made = (api_key, client)
        return self._made[1]

    def customer(self, tenant_id: str, name: str) -> str:
        """See :meth:`smyth.connectors.payments.port.PaymentProvider.customer`."""
        made = _asked(lambda: self._client.v1.customers.create({"name": name, "metadata": {"smyth_tenant": tenant_id}}))
        return str(made.id)

    def order(self, order: Order) -> Page:
        """See :meth:`smyth.connectors.payments.port.PaymentProvider.order`."""
        about = {
            "smyth_tenant": order.tenant_id,
            "smyth_stack": order.stack,
            "smyth_requests": str(order.requests),
        }
        price: SessionCreateParamsLineItemPriceData = {
            "currency": _CURRENCY,
            "unit_amount": order.cents,
            "product_data": {"name": f"{order.requests:,} prepaid requests"},
        }
        params: SessionCreateParams = {
            "mode": "payment",
            "customer": order.customer_id,
            "client_reference_id": order.tenant_id,
            "line_items": [{"quantity": 1, "price_data": price}],
            "metadata": about,
            # Charges get the metadata of their payment, sessions keep theirs to themselves.
            "payment_intent_data": {"metadata": about},
            "success_url": order.return_url,
            "cancel_url": order.return_url,
        }
        session = _asked(
            lambda: self._client.v1.checkout.sessions.create(params, {"idempotency_key": f"order-{order.key}"})
        )
        return Page(session.id, str(session.url))

    def used(self, meter: str, *, customer_id: str, identifier: str, value: int, at: datetime) -> None:
        """See :meth:`smyth.connectors.payments.port.PaymentProvider.used`."""
        import stripe

        try:
            self._client.v1.billing.meter_events.create(
                {
                    "event_name": meter,
                    "identifier": identifier,
                    "payload": {"stripe_customer_id": customer_id, "value": str(value)},
                    "timestamp": int(at.timestamp()),
                }
            )
        except stripe.StripeError as error:
            if _KNOWN_EVENT not in str(error.user_message or error):
                raise ProviderFailed(_told(error)) from None

    def read(self, message: bytes, signature: str) -> Paid | Refunded | None:
        """See :meth:`smyth.connectors.payments.port.PaymentProvider.read`."""
        import stripe

        try:
            event = stripe.Webhook.construct_event(message, signature, self._keys().webhook_secret).to_dict()
            return _read(event)
        except stripe.SignatureVerificationError as error:
            raise Forged(str(error).splitlines()[0]) from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Forged("it is not in the form of an event") from None


def _read(event: Mapping[str, Any]) -> Paid | Refunded | None:
    kind, thing = event["type"], event["data"]["object"]
    if thing.get("currency") != _CURRENCY or not (thing.get("metadata") or {}).get("smyth_tenant"):
        return None
    if kind in _PAID and thing["payment_status"] == "paid":
        return _paid(thing)
    if kind == "charge.refunded":
        return _refunded(thing, event["data"].get("previous_attributes") or {})
    return None


def _paid(session: Mapping[str, Any]) -> Paid:
    about = session["metadata"]
    return Paid(
        id=session["id"],
        tenant_id=about["smyth_tenant"],
        stack=about.get("smyth_stack", ""),
        requests=int(about["smyth_requests"]),
        cents=session["amount_total"],
        reference=session.get("payment_intent") or "",
    )


def _refunded(charge: Mapping[str, Any], before: Mapping[str, Any]) -> Refunded:
    """Return what this event adds to what had been refunded before; parts sum up to the whole."""
    about = charge["metadata"]
    now, then, whole = charge["amount_refunded"], before.get("amount_refunded", 0), charge["amount"]
    requests = int(about["smyth_requests"])
    return Refunded(
        id=f"{charge['id']}-{now}",
        tenant_id=about["smyth_tenant"],
        stack=about.get("smyth_stack", ""),
        requests=requests * now // whole - requests * then // whole,
        cents=now - then,
        reference=charge.get("payment_intent") or "",
    )


def _asked(ask: Callable[[], _T]) -> _T:
    """Ask Stripe, and tell its refusals in our words.

    Raises:
        ProviderFailed: Stripe refused or did not answer.
    """
    import stripe

    try:
        return ask()
    except stripe.StripeError as error:
        raise ProviderFailed(_told(error)) from None


def _told(error: stripe.StripeError) -> str:
    """Return what an error says without what it may repeat of the key."""
    import stripe

    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        return "Stripe does not accept the stack's API key"
    if isinstance(error, stripe.APIConnectionError):
        return "Stripe cannot be reached"
    return str(error.user_message or error).splitlines()[0]
