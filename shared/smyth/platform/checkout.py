"""Buying prepaid requests, and telling the payment provider what was used."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from smyth.connectors.payments.port import Order, Page, Paid, PaymentProvider, ProviderFailed
from smyth.platform.errors import Busy, Conflict, NotFound
from smyth.platform.money import MICRO
from smyth.platform.payments import Payment, Payments
from smyth.platform.plans import Plan

if TYPE_CHECKING:
    from smyth.platform.billing_settings import BillingSettings
    from smyth.platform.metering import Entry
    from smyth.platform.tenants import Tenant

logger = logging.getLogger(__name__)

_CENT = MICRO // 100
_BY = "stripe"


class CustomerStore(Protocol):
    """Which customer of the payment provider a tenant is."""

    def get(self, tenant_id: str) -> str | None:
        """Return the customer's id."""
        ...

    def keep(self, tenant_id: str, customer_id: str) -> str:
        """Write the id once; return it, or the one that was there."""
        ...


class Checkout:
    """The use cases of paying through a provider; without one they refuse and say what to do instead."""

    def __init__(
        self,
        provider: PaymentProvider | None,
        customers: CustomerStore,
        payments: Payments,
        *,
        plans: Mapping[str, Plan],
        tenants: Callable[[str], Tenant],
        settings: BillingSettings,
        stack: str,
    ) -> None:
        """Make the use cases.

        Args:
            provider: Who takes the money; None: the operator writes payments down.
            customers: Where the provider's ids of tenants are kept.
            payments: Where confirmed payments are written.
            plans: The price list.
            tenants: Returns a tenant, or raises NotFound.
            settings: How this stack bills.
            stack: What tells this stack's orders from others of the same account.
        """
        self._provider = provider
        self._customers = customers
        self._payments = payments
        self._plans = plans
        self._tenants = tenants
        self._settings = settings
        self._stack = stack

    def order(self, tenant: Tenant, packages: int, *, public_url: str, key: str) -> Page:
        """Return a page on which so many packages can be paid.

        Raises:
            Invalid: The tenant's plan sells no packages.
            Conflict: This stack takes payments by hand, or the price cannot be charged.
            Busy: The provider could not be asked.
        """
        package = self._payments.package(tenant)
        if self._provider is None:
            raise Conflict(
                "Payments are taken by hand here. Pay as the operator of this service told you; the operator then "
                "writes the top-up down with POST /api/tenants/{tenant_id}/payments."
            )
        price = packages * package.price
        if price % _CENT or price < _CENT:
            raise Conflict(f'The package of the plan "{tenant.plan}" has no price in whole cents. Tell the operator.')
        return_url = self._settings.return_url or (f"{public_url}/docs" if public_url else "")
        if not return_url:
            raise Conflict("Nobody knows where to go after paying. The operator sets billing.return_url.")
        try:
            order = Order(
                tenant_id=tenant.id,
                stack=self._stack,
                customer_id=self._customer(self._provider, tenant),
                requests=packages * package.requests,
                cents=price // _CENT,
                return_url=return_url,
                key=key,
            )
            return self._provider.order(order)
        except ProviderFailed as failed:
            raise _busy(failed) from None

    def receive(self, message: bytes, signature: str) -> Payment | None:
        """Write down what the provider's message says; the same message again changes nothing.

        Raises:
            NotFound: This stack has no provider.
            Forged: The message is not the provider's.
        """
        if self._provider is None:
            raise NotFound("This service has no payment provider, so nothing is expected here.")
        try:
            said = self._provider.read(message, signature)
        except ProviderFailed as failed:
            raise _busy(failed) from None
        if said is None or said.stack != self._stack:
            return None
        try:
            tenant = self._tenants(said.tenant_id)
        except NotFound:
            logger.warning("payment %s is of the tenant %s, who is gone", said.id, said.tenant_id)
            return None
        return self._payments.confirmed(
            tenant,
            "topup" if isinstance(said, Paid) else "refund",
            payment_id=said.id,
            amount=said.cents * _CENT,
            requests=said.requests,
            by=_BY,
            reference=said.reference,
        )

    def report_usage(self, entries: Iterable[Entry]) -> int:
        """Report settled requests that are paid one by one; entries reported before are not counted twice.

        The identifier is the request's id, which Stripe holds against repetitions for a day: as long as the table's
        stream repeats a record.

        Returns how many requests the provider knows of now.

        Raises:
            Busy: The provider could not be asked; what was not reported can be reported again with the rest.
        """
        if self._provider is None:
            return 0
        told = 0
        customers: dict[str, str] = {}
        for entry in entries:
            if not self._is_reported(entry):
                continue
            try:
                if entry.tenant_id not in customers:
                    customers[entry.tenant_id] = self._customer(self._provider, self._tenants(entry.tenant_id))
                self._report(self._provider, entry, customers[entry.tenant_id])
                told += 1
            except NotFound:
                logger.warning("request %s is of the tenant %s, who is gone", entry.request_id, entry.tenant_id)
            except ProviderFailed as failed:
                raise _busy(failed) from None
        return told

    def _is_reported(self, entry: Entry) -> bool:
        """Plans with a price per request are reported; what is prepaid or beyond a monthly limit is billed here."""
        plan = self._plans.get(entry.plan)
        by_request = plan is not None and plan.price_per_request > 0 and not plan.prepaid
        return by_request and entry.status == "settled" and not entry.overage

    def _report(self, provider: PaymentProvider, entry: Entry, customer_id: str) -> None:
        if self._settings.request_meter:
            provider.used(
                self._settings.request_meter,
                customer_id=customer_id,
                identifier=entry.request_id,
                value=1,
                at=entry.at,
            )
        models = entry.price - entry.fee
        if self._settings.model_meter and models > 0:
            provider.used(
                self._settings.model_meter,
                customer_id=customer_id,
                identifier=f"{entry.request_id}-models",
                value=models,
                at=entry.at,
            )

    def _customer(self, provider: PaymentProvider, tenant: Tenant) -> str:
        known = self._customers.get(tenant.id)
        return known or self._customers.keep(tenant.id, provider.customer(tenant.id, tenant.name))


def _busy(failed: ProviderFailed) -> Busy:
    return Busy(f"The payment provider could not be asked: {failed}. Nothing was charged; try again.", retry_after_s=5)
