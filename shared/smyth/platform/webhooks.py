"""Webhooks that start agents: their secrets, and deliveries that are proved to come from who knows them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from smyth.connectors.hooks.schemes import SignatureRefused, check, new_secret
from smyth.platform.acl import Asker
from smyth.platform.deliveries import Deliveries
from smyth.platform.errors import Conflict, Invalid, NotFound, PlatformError
from smyth.platform.times import Clock, rfc3339, utc_now
from smyth.platform.trigger_records import Trigger, WebhookRule
from smyth.platform.triggers import Triggers

_CURRENT, _PREVIOUS, _UNTIL = "current", "previous", "previous_until"
_SECRET = re.compile(r"[\x21-\x7e]{16,200}")


class BadSignature(PlatformError):
    """Nobody who knows the secret sent this, or too long ago."""

    status = 400
    code = "bad_signature"


class NewSecret(BaseModel):
    """A webhook's next secret."""

    model_config = ConfigDict(extra="forbid")

    secret: str | None = Field(
        None, description="The sender's own, such as Stripe's; 16 to 200 visible characters. Made unless given."
    )
    overlap_seconds: int = Field(86_400, ge=0, le=2_592_000, description="How long the one before still counts.")


class Webhooks:
    """The use cases of webhooks."""

    def __init__(self, triggers: Triggers, deliveries: Deliveries, clock: Clock = utc_now) -> None:
        self._triggers = triggers
        self._deliveries = deliveries
        self._now = clock

    def set_secret(
        self, tenant_id: str, trigger_id: str, wanted: NewSecret, asker: Asker
    ) -> tuple[Trigger, str, datetime | None]:
        """Give a webhook its next secret.

        Returns:
            The trigger, the secret, and until when the one before counts.

        Raises:
            NotFound: There is no such trigger.
            Forbidden: The asker may not write its agent.
            Conflict: It is no webhook, or somebody has changed it at the same time.
            Invalid: The secret that was given is none.
        """
        trigger = self._triggers.get(tenant_id, trigger_id, asker, "write")
        if not isinstance(trigger.rule, WebhookRule):
            raise Conflict(f"The trigger {trigger_id} is of kind {trigger.kind}; only webhooks have secrets.")
        if wanted.secret is not None and not _SECRET.fullmatch(wanted.secret):
            raise Invalid("The secret must have 16 to 200 visible ASCII characters.")
        secret = wanted.secret or new_secret()
        secrets = {_CURRENT: secret}
        until = None
        before = trigger.secrets.get(_CURRENT)
        if before and wanted.overlap_seconds:
            until = self._now() + timedelta(seconds=wanted.overlap_seconds)
            secrets |= {_PREVIOUS: before, _UNTIL: until.isoformat()}
        return self._triggers.set_secrets(trigger, secrets), secret, until

    def receive(self, trigger_id: str, headers: Mapping[str, str], body: bytes) -> str:
        """Take a message; one that came before is taken again and starts nothing.

        Args:
            trigger_id: From the address.
            headers: By names in small letters.
            body: To the byte.

        Returns:
            The delivery's name.

        Raises:
            NotFound: There is no such webhook.
            BadSignature: It is not proved.
            Conflict: The trigger is switched off.
            TooLarge: It does not fit into a message of the queue.
        """
        trigger = self._triggers.find(trigger_id)
        if trigger is None or not isinstance(trigger.rule, WebhookRule):
            raise NotFound(f"There is no webhook {trigger_id}.")
        now = self._now()
        try:
            name = check(trigger.rule.scheme, self._known(trigger, now), headers, body, now=int(now.timestamp()))
        except SignatureRefused as refused:
            raise BadSignature(str(refused)) from None
        hand_over(self._deliveries, trigger, name, body)
        return name

    def _known(self, trigger: Trigger, now: datetime) -> list[str]:
        secrets = trigger.secrets
        if _CURRENT not in secrets:
            raise BadSignature("This webhook has no secret yet: POST /api/triggers/{trigger_id}/secret makes one.")
        known = [secrets[_CURRENT]]
        if _PREVIOUS in secrets and datetime.fromisoformat(secrets[_UNTIL]) > now:
            known.append(secrets[_PREVIOUS])
        return known


def hand_over(deliveries: Deliveries, trigger: Trigger, name: str, body: bytes) -> None:
    """Put a proved message on the queue.

    Raises:
        Conflict: The trigger is switched off.
        TooLarge: It does not fit into a message of the queue.
    """
    if not trigger.enabled:
        raise Conflict(f"The trigger {trigger.id} is switched off. {trigger.disabled_because}".strip())
    deliveries.deliver(trigger, delivery_id=name, payload=payload_of(body))


def payload_of(body: bytes) -> JsonValue:
    """Return what the agent gets: the JSON that was sent, or the text as member ``text``."""
    try:
        read: Any = json.loads(body)
    except (ValueError, RecursionError):
        return {"text": body.decode("utf-8", "replace")}
    return read if isinstance(read, dict) else {"body": read}


def shown_secret(secret: str, until: datetime | None) -> dict[str, str | None]:
    """Return what the owner is shown, this once."""
    return {"secret": secret, "previous_until": rfc3339(until) if until else None}
