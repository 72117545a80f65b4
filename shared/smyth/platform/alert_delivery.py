"""Delivering alerts: to the tenant's webhook and mailboxes, and to the operator's event bus."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable
from typing import Any, Protocol

from smyth.connectors.notifications.webhook import NotDelivered, Webhooks
from smyth.platform.alerts import Alert, AlertStore, Channel
from smyth.platform.money import usd
from smyth.platform.times import Clock, rfc3339, utc_now

logger = logging.getLogger(__name__)

_CHANNELS: tuple[Channel, ...] = ("webhook", "email", "eventbridge")


class Mailer(Protocol):
    """Sends mail."""

    def send(self, to: tuple[str, ...], subject: str, text: str) -> None:
        """Send a plain text.

        Raises:
            NotDelivered: The mail was not taken.
        """
        ...


class EventBus(Protocol):
    """Takes events for the operator's own rules."""

    def put(self, kind: str, detail: str) -> None:
        """Put one event, whose detail is JSON.

        Raises:
            NotDelivered: The bus did not take it.
        """
        ...


class AlertDelivery:
    """Tries the channels of alerts."""

    def __init__(
        self,
        store: AlertStore,
        webhooks: Webhooks,
        *,
        mailer: Mailer | None = None,
        bus: EventBus | None = None,
        clock: Clock = utc_now,
    ) -> None:
        """Make a delivery.

        Args:
            store: Where alerts and settings are.
            webhooks: Posts to tenants' addresses.
            mailer: Sends mail; None where the stack has no address to send from.
            bus: Takes events; None where the stack has none.
            clock: Tells when to try again.
        """
        self._store = store
        self._webhooks = webhooks
        self._mailer = mailer
        self._bus = bus
        self._now = clock

    async def deliver(self, tenant_id: str, alert_id: str) -> Alert | None:
        """Try the channels that have not taken the alert yet; None where no attempt is wanted."""
        alert = await asyncio.to_thread(self._store.get, tenant_id, alert_id)
        if alert is None or alert.state != "pending" or alert.attempts >= alert.wanted:
            return None
        waiting = await asyncio.to_thread(self._waiting, alert)
        outcomes = await asyncio.gather(*map(_outcome, waiting.values()))
        tried = alert.tried(alert.deliveries | dict(zip(waiting, outcomes, strict=True)))
        await asyncio.to_thread(self._store.record, tried, self._now())
        return tried

    def _waiting(self, alert: Alert) -> dict[Channel, Awaitable[object]]:
        """Return the sending by each channel that is set up and has not taken the alert yet."""
        settings = self._store.settings(alert.tenant_id)
        open_for = {channel for channel in _CHANNELS if alert.deliveries.get(channel) != "delivered"}
        body = json.dumps(message(alert))
        waiting: dict[Channel, Awaitable[object]] = {}
        if "webhook" in open_for and settings.webhook_url:
            waiting["webhook"] = self._webhooks.send(
                settings.webhook_url, settings.webhook_secret, body.encode(), message_id=alert.id
            )
        if "email" in open_for and settings.emails and self._mailer:
            waiting["email"] = asyncio.to_thread(self._mailer.send, settings.emails, _title(alert), _text(alert))
        if "eventbridge" in open_for and self._bus:
            waiting["eventbridge"] = asyncio.to_thread(self._bus.put, "Smyth Alert", body)
        return waiting


def message(alert: Alert) -> dict[str, Any]:
    """Return an alert as receivers get it; money as decimal strings."""
    money = alert.kind in ("budget", "spend_spike")
    return {
        "id": alert.id,
        "tenant_id": alert.tenant_id,
        "kind": alert.kind,
        "subject": alert.subject,
        "level": alert.level,
        "used": usd(alert.used) if money else alert.used,
        "limit": usd(alert.limit) if money else alert.limit,
        "message": alert.message,
        "at": rfc3339(alert.at),
    }


def _title(alert: Alert) -> str:
    return f"[smyth] {alert.kind.replace('_', ' ')}: {alert.subject}"


def _text(alert: Alert) -> str:
    return f"{alert.message}\n\nTenant: {alert.tenant_id}\nTime: {rfc3339(alert.at)}\nAlert: {alert.id}\n"


async def _outcome(sending: Awaitable[object]) -> str:
    try:
        await sending
    except NotDelivered as error:
        return str(error)
    except Exception:
        logger.exception("an alert could not be delivered")
        return "The service itself failed. It is tried again."
    return "delivered"
