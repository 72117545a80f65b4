"""Payments, Stripe's customers and issued invoices in the table.

===============  ============================  ================
item             partition                     sort key
===============  ============================  ================
payment          ``T#<tenant>#PAY``            ``<payment id>``
prepaid meter    ``T#<tenant>#METER#prepaid``  ``0``
at Stripe        ``T#<tenant>``                ``STRIPE``
invoice          ``T#<tenant>#INVOICE``        ``<yyyy-mm>``
last issued      ``INVOICES``                  ``PROGRESS``
===============  ============================  ================
"""

from __future__ import annotations

from smyth.aws.table import ConditionFailed, Item, Table, Write, key, put, put_new, update
from smyth.platform.errors import Busy
from smyth.platform.invoices import Invoice, Issued
from smyth.platform.payments import Payment, TooFewLeft
from smyth.platform.times import rfc3339

_ATTEMPTS = 20


class DynamoPayments:
    """A :class:`~smyth.platform.payments.PaymentStore` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, payment: Payment) -> Payment:
        """See :meth:`smyth.platform.payments.PaymentStore.add`."""
        for _ in range(_ATTEMPTS):
            writes = [put_new(_item(payment))]
            if payment.granted:
                writes.append(self._granting(payment))
            try:
                if len(writes) == 1:
                    self._table.write(writes[0])
                else:
                    self._table.transact(writes)
            except ConditionFailed as failed:
                if failed.index == 0:
                    return Payment.model_validate(failed.item)
                continue  # The meter changed since it was read.
            return payment
        raise Busy("The prepaid requests are being used too fast to take some back. Try again.", retry_after_s=1)

    def of(self, tenant_id: str) -> list[Payment]:
        """See :meth:`smyth.platform.payments.PaymentStore.of`."""
        found = [Payment.model_validate(item) for item in self._table.query(f"T#{tenant_id}#PAY")]
        return sorted(found, key=lambda payment: (payment.at, payment.id))

    def _granting(self, payment: Payment) -> Write:
        """Change the prepaid grant; what is taken back must be left over."""
        meter = key(f"T#{payment.tenant_id}#METER#prepaid", "0")
        if payment.granted > 0:
            return update(
                meter,
                "SET #granted = if_not_exists(#granted, :none) + :more, #used = if_not_exists(#used, :none)",
                {"more": payment.granted, "none": 0},
            )
        written = self._table.get(f"T#{payment.tenant_id}#PAY", payment.id)
        there = self._table.get(meter["pk"], meter["sk"]) or {}
        granted, used = int(there.get("granted", 0)), int(there.get("used", 0))
        left = granted + payment.granted
        if left < used and written is None:
            raise TooFewLeft(max(0, granted - used))
        # Conditions have no arithmetic, so the grant must be the one that was read.
        return update(
            meter,
            "SET #granted = :left",
            {"left": left, "seen": granted},
            condition="#granted = :seen AND #used <= :left",
        )


class DynamoInvoices:
    """A :class:`~smyth.platform.invoices.InvoiceStore` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def keep(self, invoice: Invoice) -> Invoice:
        """See :meth:`smyth.platform.invoices.InvoiceStore.keep`."""
        item = key(f"T#{invoice.tenant_id}#INVOICE", invoice.month) | {"invoice": invoice.model_dump_json()}
        try:
            self._table.write(put_new(item))
        except ConditionFailed as failed:
            return Invoice.model_validate_json(failed.item["invoice"])
        return invoice

    def get(self, tenant_id: str, month: str) -> Invoice | None:
        """See :meth:`smyth.platform.invoices.InvoiceStore.get`."""
        item = self._table.get(f"T#{tenant_id}#INVOICE", month)
        return Invoice.model_validate_json(item["invoice"]) if item else None

    def issued(self) -> Issued:
        """See :meth:`smyth.platform.invoices.InvoiceStore.issued`."""
        return Issued.model_validate(self._table.get("INVOICES", "PROGRESS") or {})

    def save(self, issued: Issued) -> None:
        """See :meth:`smyth.platform.invoices.InvoiceStore.save`."""
        self._table.write(put(key("INVOICES", "PROGRESS") | issued.model_dump()))


class DynamoStripeCustomers:
    """A :class:`~smyth.platform.checkout.CustomerStore` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, tenant_id: str) -> str | None:
        """See :meth:`smyth.platform.checkout.CustomerStore.get`."""
        item = self._table.get(f"T#{tenant_id}", "STRIPE")
        return str(item["customer_id"]) if item else None

    def keep(self, tenant_id: str, customer_id: str) -> str:
        """See :meth:`smyth.platform.checkout.CustomerStore.keep`."""
        try:
            self._table.write(put_new(key(f"T#{tenant_id}", "STRIPE") | {"customer_id": customer_id}))
        except ConditionFailed as failed:
            return str(failed.item["customer_id"])
        return customer_id


def _item(payment: Payment) -> Item:
    return key(f"T#{payment.tenant_id}#PAY", payment.id) | payment.model_dump() | {"at": rfc3339(payment.at)}
