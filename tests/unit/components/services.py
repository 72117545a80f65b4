"""The world of components that ask an outside service, with a peer in the service's place."""

from __future__ import annotations

from smyth.connectors.http.addresses import AddressGuard
from smyth.connectors.http.client import HttpClient
from smyth.connectors.ports import Ports
from smyth.connectors.service_urls import ServiceUrls
from smyth.connectors.vault.memory import MemoryVault


def ports_of(secrets: dict[str, str], **urls: str) -> Ports:
    """Ports with these secrets, and these services elsewhere: on this machine, which is allowed."""
    return Ports(
        http=HttpClient(AddressGuard(allow_private=True)),
        vault=MemoryVault({"default": secrets}),
        service_urls=ServiceUrls(**urls),
    )
