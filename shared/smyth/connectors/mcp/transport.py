"""Carry the MCP package's requests over the HTTP port, which guards addresses."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import httpx2

from smyth.connectors.http.port import HttpError, HttpRequest

if TYPE_CHECKING:
    from smyth.connectors.http.port import HttpPort, HttpStream

# It logs each URL, which may hold secrets.
logging.getLogger("httpx2").setLevel(logging.WARNING)

#: The port hands bodies over unpacked and in one stream, so these no longer hold.
_NOT_PASSED_ON = {"content-encoding", "content-length", "transfer-encoding", "connection"}


class PortTransport(httpx2.AsyncBaseTransport):
    """A transport for clients of :mod:`httpx2`, the HTTP library of the MCP package."""

    def __init__(self, http: HttpPort) -> None:
        self._http = http
        #: Status of the last refusal, and why there was no answer at all.
        self.refused: int | None = None
        self.unreachable: HttpError | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send ``request``.

        Raises:
            httpx2.ConnectError: There is no answer.
        """
        held = AsyncExitStack()
        asked = HttpRequest(str(request.url), request.method, dict(request.headers), await request.aread() or None)
        try:
            answer = await held.enter_async_context(self._http.stream(asked))
        except HttpError as error:
            self.unreachable = error
            raise httpx2.ConnectError(str(error), request=request) from error
        if answer.status >= 400:
            self.refused = answer.status
        headers = [(name, value) for name, value in answer.headers.items() if name.lower() not in _NOT_PASSED_ON]
        return httpx2.Response(answer.status, headers=headers, stream=_Body(answer, held), request=request)


class _Body(httpx2.AsyncByteStream):
    def __init__(self, answer: HttpStream, held: AsyncExitStack) -> None:
        self._answer, self._held = answer, held

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._answer.chunks():
                yield chunk
        except HttpError as error:
            raise httpx2.ReadError(str(error)) from error

    async def aclose(self) -> None:
        await self._held.aclose()
