"""What billing needs of a payment provider."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class ProviderFailed(Exception):
    """The provider refused or did not answer; the message says what it said."""


class Forged(Exception):
    """A message that claims to be the provider's is not, or is too old."""


@dataclass(frozen=True, slots=True)
class Order:
    """Prepaid requests that somebody wants to buy."""

    tenant_id: str
    #: The stack's name: one account may serve several.
    stack: str
    customer_id: str
    requests: int
    cents: int
    return_url: str
    #: The same for a repeated request.
    key: str


@dataclass(frozen=True, slots=True)
class Page:
    """Where it is paid."""

    id: str
    url: str


@dataclass(frozen=True, slots=True)
class Paid:
    """An order was paid."""

    id: str
    tenant_id: str
    stack: str
    requests: int
    cents: int
    reference: str


@dataclass(frozen=True, slots=True)
class Refunded:
    """Money of an order went back."""

    id: str
    tenant_id: str
    stack: str
    #: What part of the order's requests goes with it.
    requests: int
    cents: int
    reference: str


class PaymentProvider(Protocol):
    """Takes money for us."""

    def customer(self, tenant_id: str, name: str) -> str:
        """Make a customer for a tenant and return its id; the caller keeps it, for a second call makes another one."""
        ...

    def order(self, order: Order) -> Page:
        """Return a page on which the order can be paid, for the same order the same page."""
        ...

    def used(self, meter: str, *, customer_id: str, identifier: str, value: int, at: datetime) -> None:
        """Report what a customer used; under the same identifier it counts once."""
        ...

    def read(self, message: bytes, signature: str) -> Paid | Refunded | None:
        """Return what a message of the provider says; None for what is of no concern here.

        Raises:
            Forged: The message is not the provider's.
        """
        ...
