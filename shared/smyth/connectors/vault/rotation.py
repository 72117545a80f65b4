"""Rotation: a tenant's own address is asked for the next value of a credential, by a signed request."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from smyth.connectors.http.port import HttpError, HttpPort, HttpRequest
from smyth.connectors.notifications.signatures import HEADER, sign

_TIMEOUT_S = 10.0
_MOST_BYTES = 64 * 1024


class NotRotated(Exception):
    """No new value came; the text says why and may be shown to the tenant."""


class RotationHook:
    """Asks for new values."""

    def __init__(self, http: HttpPort, clock: Callable[[], float] = time.time) -> None:
        self._http = http
        self._now = clock

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
        body = json.dumps(ask).encode()
        headers = {
            "content-type": "application/json",
            "user-agent": "smyth-serverless",
            "smyth-message-id": message_id,
            HEADER: sign(secret, body, at=int(self._now())),
        }
        request = HttpRequest(
            url, method="POST", headers=headers, body=body, timeout_s=_TIMEOUT_S, max_bytes=_MOST_BYTES
        )
        try:
            reply = await self._http.send(request)
        except HttpError as error:
            raise NotRotated(str(error)) from None
        if not 200 <= reply.status < 300:
            raise NotRotated(f"The address answered with HTTP {reply.status}. It must answer with 2xx.")
        try:
            answer = json.loads(reply.content)
        except (ValueError, RecursionError):
            answer = None
        value = answer.get("value") if isinstance(answer, dict) else None
        if not isinstance(value, str) or not value.strip():
            raise NotRotated('The address gave no value. It must answer with JSON such as {"value": "..."}.')
        return value
