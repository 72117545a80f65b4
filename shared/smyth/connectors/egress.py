"""HTTP to addresses that documents name: public ones only.

An agent's author may be anyone, so no address of theirs may lead into the stack's own network.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from functools import cache

import httpx

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class ForbiddenAddress(Exception):
    """An address that documents may not name; the text says why and what to do."""


class PublicTransport(httpx.AsyncHTTPTransport):
    """Sends requests to public https addresses only.

    Every request passes here, redirected ones too. The address that was checked is
    the one that is connected to, so a name cannot change its meaning in between.
    """

    def __init__(self) -> None:
        super().__init__(verify=tls_context())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Check and pin the address, then send.

        Raises:
            ForbiddenAddress: The address is not public, or not https.
        """
        host = request.url.host
        address = await public_address(request.url)
        request.url = request.url.copy_with(host=address)
        request.extensions = {**request.extensions, "sni_hostname": host}
        return await super().handle_async_request(request)


@cache
def tls_context() -> ssl.SSLContext:
    """Return the one TLS context of this process; making one takes longer than most requests."""
    return httpx.create_ssl_context()


async def public_address(url: httpx.URL) -> str:
    """Resolve the host of ``url`` to a public IP address.

    Raises:
        ForbiddenAddress: It is not https, cannot be resolved, or any of its addresses is not public.
    """
    if url.scheme != "https":
        raise ForbiddenAddress(f'"{url.scheme}" addresses are not allowed here: use an https address.')
    addresses = await _resolve(url.host, url.port or 443)
    for address in addresses:
        if not _is_public(address):
            raise ForbiddenAddress(f'"{url.host}" is not a public address. Use one that the internet can reach.')
    return addresses[0]


async def _resolve(host: str, port: int) -> list[str]:
    """Return the addresses of ``host``, in the resolver's order."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ForbiddenAddress(f'The address "{host}" cannot be found. Check its spelling.') from None
    return [str(entry[4][0]) for entry in found]


def _is_public(address: str) -> bool:
    """Tell whether the internet at large can reach ``address``."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        embedded = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            embedded = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if embedded is not None:
            ip = embedded
    return ip.is_global and not ip.is_multicast
