"""Webhooks: a message posted to an address of the tenant's, signed, through the guarded HTTP client."""

from __future__ import annotations

import time
from collections.abc import Callable

from smyth.connectors.http.port import HttpError, HttpPort, HttpRequest
from smyth.connectors.notifications.signatures import HEADER, sign

_TIMEOUT_S = 10.0
_MOST_BYTES = 64 * 1024


class NotDelivered(Exception):
    """The receiver did not take the message; the text says why and may be shown to the tenant."""


class Webhooks:
    """Posts messages."""

    def __init__(self, http: HttpPort, clock: Callable[[], float] = time.time) -> None:
        self._http = http
        self._now = clock

    async def send(self, url: str, secret: str, body: bytes, *, message_id: str) -> bytes:
        """Post ``body``; the receiver tells repetitions by ``smyth-message-id``. Return what it answered.

        Raises:
            NotDelivered: The address may not be called, cannot be reached, or did not answer with 2xx.
        """
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
            raise NotDelivered(str(error)) from None
        if not 200 <= reply.status < 300:
            raise NotDelivered(f"The address answered with HTTP {reply.status}. It must answer with 2xx.")
        return reply.content
