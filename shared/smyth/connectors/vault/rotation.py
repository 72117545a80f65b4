"""Rotation: a tenant's own address is asked for the next value of a credential, by a signed request."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from smyth.connectors.http.port import HttpPort
from smyth.connectors.notifications.webhook import NotDelivered, Webhooks


class NotRotated(Exception):
    """No new value came; the text says why and may be shown to the tenant."""


class RotationHook:
    """Asks for new values."""

    def __init__(self, http: HttpPort, clock: Callable[[], float] = time.time) -> None:
        self._webhooks = Webhooks(http, clock)

    async def new_value(self, url: str, secret: str, ask: dict[str, Any], *, message_id: str) -> str:
        """Post ``ask`` and return the value that comes back as ``{"value": "..."}``.

        Args:
            url: The tenant's address.
            secret: What the request is signed with.
            ask: Which credential is meant; never its value.
            message_id: The same for a repeated request, so that the receiver can give the same value.

        Raises:
            NotRotated: The address may not be called, cannot be reached, or gave no value.
        """
        try:
            content = await self._webhooks.send(url, secret, json.dumps(ask).encode(), message_id=message_id)
        except NotDelivered as error:
            raise NotRotated(str(error)) from None
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            answer = None
        value = answer.get("value") if isinstance(answer, dict) else None
        if not isinstance(value, str) or not value.strip():
            raise NotRotated('The address gave no value. It must answer with JSON such as {"value": "..."}.')
        return value
