"""Which addresses may be called: public ones, and those that a stack allows.

An agent's author may be anyone, so no address of theirs may lead into the stack's own network.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable

from smyth.connectors.http.port import ForbiddenAddress, HttpError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
#: Looks up a host name: the texts of its addresses, in the order to try them.
Resolver = Callable[[str, int], Awaitable[list[str]]]

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
#: What ``is_global`` takes for public, in this Python version or in others: ranges for protocols, for
#: documentation or of former days, some of which stand for IPv4 addresses, and a cloud's own address (Azure).
_NOT_PUBLIC = tuple(
    map(
        ipaddress.ip_network,
        (
            *("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16"),
            *("::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16"),
            "fec0::/10",
        ),
    )
)


class AddressGuard:
    """Turns host names into the addresses that may be connected to."""

    def __init__(
        self,
        *,
        schemes: Iterable[str] = ("http", "https"),
        allow_private: bool = False,
        allowed: Iterable[str] = (),
        resolve: Resolver | None = None,
    ) -> None:
        """Make a guard.

        Args:
            schemes: Of the addresses that may be called.
            allow_private: Whether every address may be called, as on a laptop.
            allowed: Host names and networks (``10.1.0.0/16``, ``10.1.2.3``) that may be called though not public.
            resolve: Looks up names; by default the machine does.

        Raises:
            ValueError: One of ``allowed`` is neither.
        """
        self.schemes = frozenset(schemes)
        self._allow_private = allow_private
        self._hosts, self._networks = _read_allowed(allowed)
        self._resolve = resolve or look_up

    def check_scheme(self, scheme: str) -> None:
        """Refuse a URL by its scheme.

        Raises:
            ForbiddenAddress: The scheme is none that may be called.
        """
        if scheme not in self.schemes:
            wanted = " or ".join(f"{name}://" for name in sorted(self.schemes))
            raise ForbiddenAddress(f'"{scheme}" addresses cannot be called: use one that starts with {wanted}.')

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of ``host``, all of which may be connected to.

        Raises:
            ForbiddenAddress: One of them may not.
            HttpError: The name cannot be found.
        """
        found = await self._resolve(host, port)
        if not found:
            raise HttpError(_not_found(host))
        if not self._allow_private and host.lower().rstrip(".") not in self._hosts:
            for address in found:
                self._check(host, address)
        return found

    def _check(self, host: str, address: str) -> None:
        ip = ipaddress.ip_address(address.partition("%")[0])
        if is_public(ip) or any(ip in network for network in self._networks):
            return
        raise ForbiddenAddress(
            f'"{host}" is not a public address. Use one that the internet can reach, '
            "or have the stack's operator allow this one."
        )


def is_public(ip: IPAddress) -> bool:
    """Tell whether the internet at large can reach ``ip``, also where it stands for an IPv4 address."""
    if isinstance(ip, ipaddress.IPv6Address):
        embedded = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            embedded = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if embedded is not None:
            ip = embedded
    if ip.is_multicast or ip.is_reserved or any(ip in network for network in _NOT_PUBLIC):
        return False
    return ip.is_global


async def look_up(host: str, port: int) -> list[str]:
    """Return the addresses of ``host`` as the machine's resolver tells them.

    Raises:
        HttpError: There are none.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise HttpError(_not_found(host)) from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _not_found(host: str) -> str:
    return f'The address "{host}" cannot be found. Check its spelling.'


def _read_allowed(allowed: Iterable[str]) -> tuple[frozenset[str], list[ipaddress.IPv4Network | ipaddress.IPv6Network]]:
    hosts: set[str] = set()
    networks = []
    for entry in allowed:
        try:
            networks.append(ipaddress.ip_network(entry))
        except ValueError:
            if not entry or any(sign in entry for sign in "/:*@ "):
                raise ValueError(
                    f'"{entry}" is no host name and no network. Write it like "db.example.internal" or "10.1.0.0/16".'
                ) from None
            hosts.add(entry.lower().rstrip("."))
    return frozenset(hosts), networks
