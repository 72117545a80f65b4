"""Connections to providers: kept from request to request, and each broken off when its request is left.

Only connections are kept. Keys travel as headers of single requests and cookies end with the request, so
tenants that ask the same provider share a connection and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from smyth.connectors.http.addresses import AddressGuard

if TYPE_CHECKING:
    import httpx

#: Where models lie that documents name.
PUBLIC = AddressGuard(schemes=("https",))
_ANYWHERE = AddressGuard(allow_private=True)
_CONNECT_S = 10.0
#: How the last event of a stream is known, in all protocols that are read here.
_LAST_EVENTS = (b"[DONE]", b"message_stop", b"response.completed", b"response.incomplete")
_TAIL = max(map(len, _LAST_EVENTS))
_DRAINED_FOR_S = 0.05


class Connections:
    """The connections of one process, by event loop: a connection serves the loop that opened it."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[bool, Any]] = WeakKeyDictionary()

    @asynccontextmanager
    async def borrow(self, *, guarded: bool) -> AsyncIterator[httpx.AsyncBaseTransport]:
        """Offer a transport for one request; leaving it breaks off an answer that is not read to its end.

        Args:
            guarded: Whether only public addresses may be called, by https.
        """
        transport = _borrowed(self._transport(guarded=guarded))
        try:
            yield transport
        finally:
            await transport.aclose()

    def _transport(self, *, guarded: bool) -> httpx.AsyncBaseTransport:
        from smyth.connectors.http.transport import GuardedTransport

        kept = self._kept.setdefault(asyncio.get_running_loop(), {})
        if guarded not in kept:
            kept[guarded] = GuardedTransport(PUBLIC if guarded else _ANYWHERE)
        transport: httpx.AsyncBaseTransport = kept[guarded]
        return transport


def client_on(transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    """Return a client for one request; it needs no closing, its transport does."""
    import httpx

    # Who waits for an answer is the gateway's decision; here only connecting has an end.
    return httpx.AsyncClient(transport=transport, timeout=httpx.Timeout(None, connect=_CONNECT_S), trust_env=False)


def _borrowed(transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
    """Return a transport for one request: closing it ends its answers and leaves the connections."""
    import httpx

    class Body(httpx.AsyncByteStream):
        def __init__(self, stream: httpx.AsyncByteStream) -> None:
            self._stream = stream
            self._chunks: AsyncIterator[bytes] = aiter(stream)
            self._tail = b""
            self._ended = False

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for chunk in self._chunks:
                seen = self._tail + chunk
                self._ended = self._ended or any(end in seen for end in _LAST_EVENTS)
                self._tail = seen[-_TAIL:]
                yield chunk

        async def aclose(self) -> None:
            # Readers leave at the last event. What ends the body behind it must be read, or the connection is lost.
            if self._ended:
                with suppress(TimeoutError, httpx.TransportError):
                    async with asyncio.timeout(_DRAINED_FOR_S):
                        async for _ in self._chunks:
                            pass
            await self._stream.aclose()

    class Borrowed(httpx.AsyncBaseTransport):
        def __init__(self) -> None:
            self._bodies: list[Body] = []

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            answer = await transport.handle_async_request(request)
            if isinstance(answer.stream, httpx.AsyncByteStream):
                body = Body(answer.stream)
                self._bodies.append(body)
                answer.stream = body
            return answer

        async def aclose(self) -> None:
            for body in self._bodies:
                await body.aclose()

    return Borrowed()
