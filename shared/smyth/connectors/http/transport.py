"""Connections to checked addresses, for :mod:`httpx` clients."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import httpcore
import httpx

from smyth.connectors.http.addresses import AddressGuard

_CONNECTIONS = 100
_KEPT = 20
#: Shorter than servers and their balancers keep idle connections.
_KEPT_FOR_S = 15.0


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends requests to the addresses that its guard lets through.

    The check happens where a connection is made, on the very address that is connected to: a name cannot change its
    meaning in between, and no spelling of a host passes by it. Names stay in the requests, so certificates are
    checked against them and a kept connection serves its own name only. Proxies are checked in the same way; what
    lies behind one is the proxy's network, not ours.
    """

    def __init__(self, guard: AddressGuard, *, proxy: httpx.URL | None = None) -> None:
        self._guard = guard
        self._pool = _pool(GuardedNetwork(guard), proxy)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``.

        Raises:
            smyth.connectors.http.port.ForbiddenAddress: Its address may not be called.
            smyth.connectors.http.port.HttpError: Its host cannot be found.
            httpx.TransportError: There is no answer.
        """
        self._guard.check_scheme(request.url.scheme)
        target = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        with _httpx_errors():
            response = await self._pool.handle_async_request(
                httpcore.Request(
                    method=request.method,
                    url=target,
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Opens connections to checked addresses, trying each of a host's."""

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of ``host`` that answers.

        Raises:
            smyth.connectors.http.port.ForbiddenAddress: One of them may not be called.
            httpcore.ConnectError: None of them answers.
        """
        failed: Exception | None = None
        for address in await self._guard.addresses(host, port):
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or httpcore.ConnectError("The host has no address.")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._network.sleep(seconds)


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _httpx_errors():
            async for chunk in self._response.aiter_stream():
                yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


@cache
def tls_context() -> ssl.SSLContext:
    """Return the one TLS context of this process; making one takes longer than most requests."""
    return httpx.create_ssl_context()


def _pool(network: GuardedNetwork, proxy: httpx.URL | None) -> httpcore.AsyncConnectionPool:
    """Return where connections are kept; ``trust_env`` and the like do not reach down here."""
    limits: dict[str, Any] = {
        "ssl_context": tls_context(),
        "max_connections": _CONNECTIONS,
        "max_keepalive_connections": _KEPT,
        "keepalive_expiry": _KEPT_FOR_S,
        "network_backend": network,
    }
    if proxy is None:
        return httpcore.AsyncConnectionPool(**limits)
    auth = (proxy.username, proxy.password) if proxy.username or proxy.password else None
    address = str(proxy.copy_with(username=None, password=None))
    return httpcore.AsyncHTTPProxy(proxy_url=address, proxy_auth=auth, **limits)


@contextmanager
def _httpx_errors() -> Iterator[None]:
    """Raise httpx's error of the same name for each of httpcore's."""
    try:
        yield
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, httpcore.ProxyError) as error:
        kind: type[httpx.TransportError] = getattr(httpx, type(error).__name__, httpx.TransportError)
        raise kind(str(error)) from error
    except httpcore.UnsupportedProtocol as error:
        raise httpx.UnsupportedProtocol(str(error)) from error
