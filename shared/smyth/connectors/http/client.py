"""The HTTP client: limits, redirects and retries over checked connections."""

from __future__ import annotations

import asyncio
import re
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from smyth.connectors.http.addresses import AddressGuard
from smyth.connectors.http.port import HttpError, HttpReply, HttpRequest, InvalidURL

if TYPE_CHECKING:
    import httpx

    from smyth.connectors.http.transport import GuardedTransport

_MAX_REDIRECTS = 20
_CONNECT_S = 10.0
#: Methods of which a second request does no more than the first (RFC 9110, 9.2.2).
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_PROXIES = frozenset({"http", "https"})
#: Signs that no host name has (WHATWG URL, forbidden host code points).
_NOT_IN_HOSTS = re.compile(r"[\x00-\x20\x7f#%/<>?@\[\\\]^|]")
#: Headers that belong to the connection, which is the client's.
_OWN_HEADERS = frozenset(
    {"accept-encoding", "connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)


class HttpClient:
    """Sends requests for one stack; connections are kept from request to request.

    Nothing of the process's environment (proxies, ``.netrc``) has a say here.
    """

    def __init__(self, guard: AddressGuard | None = None) -> None:
        self._guard = guard or AddressGuard()
        # Connections belong to the event loop that opened them.
        self._transports: WeakKeyDictionary[asyncio.AbstractEventLoop, GuardedTransport] = WeakKeyDictionary()

    async def send(self, request: HttpRequest) -> HttpReply:
        """See :meth:`smyth.connectors.http.port.HttpPort.send`.

        What cannot have had an effect twice is tried twice: a connection that could not be made, and a broken
        one where the method may be repeated.
        """
        try:
            async with asyncio.timeout(request.timeout_s):
                try:
                    return await self._send(request)
                except _Broken as broken:
                    if not broken.may_repeat:
                        raise
                return await self._send(request)
        except TimeoutError:
            raise HttpError(
                f'"{_url(request.url).host}" did not answer within {request.timeout_s:g} seconds. '
                "Try again, or ask it for less."
            ) from None

    async def _send(self, request: HttpRequest) -> HttpReply:
        async with self.stream(request) as answer:
            content = b"".join([chunk async for chunk in answer.chunks()])
            return HttpReply(answer.status, answer.headers, content, answer.url, answer.cookies)

    @asynccontextmanager
    async def stream(self, request: HttpRequest) -> AsyncIterator[Answer]:
        """See :meth:`smyth.connectors.http.port.HttpPort.stream`; nothing is tried twice."""
        from smyth.connectors.http.redirects import redirected

        prepared = _prepared(request)
        async with self._transport(request, prepared.url) as transport:
            for _ in range(_MAX_REDIRECTS + 1):
                response = await _sent(transport, prepared)
                try:
                    following = redirected(prepared, response)
                    if following is None:
                        yield Answer(prepared, response, request.max_bytes)
                        return
                finally:
                    await response.aclose()
                if request.proxy:
                    await self._check_target(following.url)
                prepared = following
        raise HttpError(
            f'Maximum number of redirects exceeded: over {_MAX_REDIRECTS}, the last to "{prepared.url.host}". '
            "Check the address."
        )

    async def close(self) -> None:
        """Close the connections of this event loop; the next request opens new ones."""
        transport = self._transports.pop(asyncio.get_running_loop(), None)
        if transport is not None:
            await transport.aclose()

    @asynccontextmanager
    async def _transport(self, request: HttpRequest, target: httpx.URL) -> AsyncIterator[GuardedTransport]:
        """Lend the connections of this loop, or new ones through the request's proxy."""
        from smyth.connectors.http.transport import GuardedTransport

        if not request.proxy:
            loop = asyncio.get_running_loop()
            if loop not in self._transports:
                self._transports[loop] = GuardedTransport(self._guard)
            yield self._transports[loop]
            return
        proxy = _url(request.proxy)
        if proxy.scheme not in _PROXIES:
            raise HttpError(f'"{proxy.scheme}" proxies cannot be used: give one that starts with http:// or https://.')
        await self._check_target(target)
        transport = GuardedTransport(self._guard, proxy=proxy)
        try:
            yield transport
        finally:
            await transport.aclose()

    async def _check_target(self, url: httpx.URL) -> None:
        """Check an address that a proxy will look up by itself; a direct connection is checked when it is made."""
        self._guard.check_scheme(url.scheme)
        await self._guard.addresses(url.host, url.port or 443)


class Answer:
    """An answer whose body is still coming; see :class:`smyth.connectors.http.port.HttpStream`."""

    def __init__(self, request: httpx.Request, response: httpx.Response, max_bytes: int) -> None:
        self.status = response.status_code
        headers = response.headers.items()
        self.headers: Mapping[str, str] = {name: value for name, value in headers if name != "set-cookie"}
        self.cookies = tuple(response.headers.get_list("set-cookie"))
        self.url = str(request.url)
        self._request = request
        self._response = response
        self._max_bytes = max_bytes

    async def chunks(self) -> AsyncIterator[bytes]:
        """See :meth:`smyth.connectors.http.port.HttpStream.chunks`."""
        import httpx

        from smyth.connectors.http.unpacking import unpacked

        encoding = self.headers.get("content-encoding", "")
        try:
            async for chunk in unpacked(self._response.aiter_raw(), encoding, self._max_bytes):
                yield chunk
        except httpx.TransportError as error:
            raise _told(self._request, error) from error


class _Broken(HttpError):
    """The connection failed."""

    def __init__(self, text: str, *, may_repeat: bool) -> None:
        super().__init__(text)
        self.may_repeat = may_repeat


@cache
def public_client() -> HttpClient:
    """Return this process's client for public addresses."""
    return HttpClient()


def _url(text: str) -> httpx.URL:
    """Read a URL. What is wrong with it stays untold: the wrong part may be a password."""
    import httpx

    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if not url.scheme or _NOT_IN_HOSTS.search(url.host):
        raise InvalidURL("Invalid URL: write it like https://example.com/path, with signs like spaces encoded.")
    if url.scheme in ("http", "https") and not url.host:
        raise InvalidURL("Invalid URL: it names no host. Write it like https://example.com/path.")
    return url


def _prepared(request: HttpRequest) -> httpx.Request:
    """Return the request for the wire. A user and password in its URL become its authorization."""
    import httpx

    url = _url(request.url)
    given = {name.lower(): value for name, value in request.headers.items()}
    headers = {"accept": "*/*", "user-agent": "smyth-serverless"} | given
    headers = {name: value for name, value in headers.items() if name not in _OWN_HEADERS}
    headers["accept-encoding"] = "gzip"
    if url.username or url.password:
        headers["authorization"] = "Basic " + b64encode(f"{url.username}:{url.password}".encode()).decode()
        url = url.copy_with(username=None, password=None)
    wait = request.timeout_s
    timeout = httpx.Timeout(wait, connect=min(wait, _CONNECT_S)).as_dict()
    try:
        raw = [(name.encode("ascii"), _header_bytes(value)) for name, value in headers.items()]
    except UnicodeEncodeError:
        raise HttpError("The name of a header holds a sign that headers cannot carry. Check the headers.") from None
    return httpx.Request(
        request.method.upper(), url, headers=raw, content=request.body, extensions={"timeout": timeout}
    )


def _header_bytes(value: str) -> bytes:
    """Return a header's value as servers read it: Latin-1 where that has all its letters, else UTF-8."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace")


async def _sent(transport: GuardedTransport, request: httpx.Request) -> httpx.Response:
    import httpx

    try:
        return await transport.handle_async_request(request)
    except httpx.TransportError as error:
        raise _told(request, error) from error


def _told(request: httpx.Request, error: httpx.TransportError) -> HttpError:
    """Say what failed without saying more of the request than its host: URLs and headers hold secrets."""
    import httpx

    host = request.url.host
    repeatable = request.method in _IDEMPOTENT
    if isinstance(error, httpx.ConnectError):
        tls = next((cause for cause in _causes(error) if isinstance(cause, ssl.SSLError)), None)
        if tls is not None:
            return HttpError(
                f'"{host}" has no certificate that can be trusted: {tls.reason or tls}. Check the address.'
            )
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        return _Broken(f'Nobody answers at "{host}", port {port}. Check the address.', may_repeat=True)
    if isinstance(error, httpx.TimeoutException):
        return HttpError(f'"{host}" did not answer in time. Try again, or ask it for less.')
    if isinstance(error, httpx.LocalProtocolError):
        return HttpError(
            f'The request to "{host}" cannot be sent as it is. Check the headers for line breaks and blanks.'
        )
    if isinstance(error, httpx.ProxyError):
        return HttpError(f'The proxy did not connect to "{host}": {error}. Check the proxy and its password.')
    return _Broken(f'"{host}" ended the connection before the answer was complete. Try again.', may_repeat=repeatable)


def _causes(error: BaseException | None) -> list[BaseException]:
    found = []
    while error is not None:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
