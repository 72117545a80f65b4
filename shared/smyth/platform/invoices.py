"""Invoices: what a tenant owes for a month, line by line.

An invoice is computed from the plans the tenant had, from what the ledger says
it used, and from its payments. Once the month is over and nothing of it can
change, it is kept as it is, so that a later price list does not change it; what
has been paid on it is always read anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from smyth.platform.billing_settings import Issuer
from smyth.platform.errors import NotFound
from smyth.platform.invoice_lines import Line, tax_on
from smyth.platform.invoice_lines import lines as all_lines
from smyth.platform.money import MICRO
from smyth.platform.payments import Payment, month_name
from smyth.platform.periods import month_of
from smyth.platform.plans import Plan
from smyth.platform.rollups import Row
from smyth.platform.tenants import Tenant
from smyth.platform.times import Clock, utc_now

#: How long after its end a month can still change: longer than any request may be open, and the sweeps after it.
_SETTLES_IN = timedelta(hours=1)
_CENT = MICRO // 100

#: By then the month is over in every time zone, and settled.
_SETTLED_EVERYWHERE = timedelta(hours=12) + _SETTLES_IN

#: What a tenant used in a period; see :meth:`smyth.platform.usage.Usage.rows`.
ReadUsage = Callable[[str, datetime, datetime], list[Row]]


class Invoice(BaseModel):
    """A month's invoice. Money in micro-USD."""

    model_config = ConfigDict(frozen=True)

    number: str
    tenant_id: str
    tenant_name: str
    month: str
    start: datetime
    end: datetime
    #: ``open`` until the month is over and settled.
    status: Literal["open", "final"]
    issuer: Issuer
    lines: list[Line]
    subtotal: int
    tax: int
    total: int


class Account(BaseModel):
    """An invoice and what has been paid on it."""

    model_config = ConfigDict(frozen=True)

    invoice: Invoice
    paid: int

    @property
    def due(self) -> int:
        """What is left to pay, in whole cents; negative where more has been paid."""
        return _whole_cents(self.invoice.total - self.paid)


class Issued(BaseModel):
    """How far the invoices of a month are kept."""

    model_config = ConfigDict(frozen=True)

    month: str = ""
    #: The tenant behind which it goes on.
    after: str = ""
    done: bool = False


class InvoiceStore(Protocol):
    """Where final invoices are kept."""

    def keep(self, invoice: Invoice) -> Invoice:
        """Write an invoice once; return it, or the one that was there."""
        ...

    def get(self, tenant_id: str, month: str) -> Invoice | None:
        """Return a kept invoice."""
        ...

    def issued(self) -> Issued:
        """Return how far the last pass came."""
        ...

    def save(self, issued: Issued) -> None:
        """Write how far this pass has come."""
        ...


class Invoices:
    """The use cases of invoices."""

    def __init__(
        self,
        store: InvoiceStore,
        *,
        plans: Mapping[str, Plan],
        usage: ReadUsage,
        payments: Callable[[str], Iterable[Payment]],
        tenants: Callable[[str], Iterable[Tenant]],
        issuer: Issuer,
        clock: Clock = utc_now,
    ) -> None:
        """Make the use cases.

        Args:
            store: Where final invoices are kept.
            plans: The price list.
            usage: Returns what a tenant used.
            payments: Returns a tenant's payments.
            tenants: Yields the tenants behind an id.
            issuer: Who sends the invoices.
            clock: Tells which months are over.
        """
        self._store = store
        self._plans = plans
        self._usage = usage
        self._payments = payments
        self._tenants = tenants
        self._issuer = issuer
        self._now = clock

    def of(self, tenant: Tenant, month: str | None = None) -> Account:
        """Return a month's invoice, the running month's unless told.

        Raises:
            NotFound: The tenant was not there in that month, or the month has not begun.
        """
        month = month or month_name(self._now(), tenant.time_zone)
        payments = [payment for payment in self._payments(tenant.id) if payment.month == month]
        paid = sum(payment.received for payment in payments)
        kept = self._store.get(tenant.id, month)
        if kept is not None:
            return Account(invoice=kept, paid=paid)
        invoice = self._made(tenant, month, payments)
        if invoice.status == "final":
            invoice = self._store.keep(invoice)
        return Account(invoice=invoice, paid=paid)

    def issue(self, go_on: Callable[[], bool]) -> int:
        """Keep the invoices of the month that is over everywhere, while ``go_on`` says so and from there next time.

        Returns how many tenants have got theirs.
        """
        month = _month_before(month_name(self._now() - _SETTLED_EVERYWHERE, "UTC"))
        issued = self._store.issued()
        if issued.month != month:
            issued = Issued(month=month)
        if issued.done:
            return 0
        count = 0
        for tenant in self._tenants(issued.after):
            if not go_on():
                return count
            count += self._issue(tenant, month)
            issued = issued.model_copy(update={"after": tenant.id})
            self._store.save(issued)
        self._store.save(Issued(month=month, done=True))  # Which names no tenant any more.
        return count

    def _issue(self, tenant: Tenant, month: str) -> bool:
        """Keep one invoice; False for a tenant that came later, or is about to leave nothing behind."""
        if tenant.status == "erasing":
            return False
        try:
            self.of(tenant, month)
        except NotFound:
            return False
        return True

    def months(self, tenant: Tenant) -> list[str]:
        """Return the months that the tenant has an invoice for, newest first."""
        first = month_name(tenant.plan_history[0].since, tenant.time_zone)
        found = [month_name(self._now(), tenant.time_zone)]
        while found[-1] > first:
            found.append(_month_before(found[-1]))
        return found

    def _made(self, tenant: Tenant, month: str, payments: list[Payment]) -> Invoice:
        start, end = bounds(month, tenant.time_zone)
        now = self._now()
        if end <= tenant.plan_history[0].since or now < start:
            raise NotFound(f"There is no invoice for {month}. GET /api/billing/invoices lists those there are.")
        lines = all_lines(
            tenant, start=start, end=end, plans=self._plans, rows=self._usage(tenant.id, start, end), payments=payments
        )
        subtotal = sum(line.amount for line in lines)
        tax = tax_on(subtotal, self._issuer.tax_rate)
        return Invoice(
            number=f"{month}-{tenant.id.partition('-')[2]}",
            tenant_id=tenant.id,
            tenant_name=tenant.name,
            month=month,
            start=start,
            end=end,
            status="final" if now >= end + _SETTLES_IN else "open",
            issuer=self._issuer,
            lines=lines,
            subtotal=subtotal,
            tax=tax,
            total=subtotal + tax,
        )


def bounds(month: str, time_zone: str) -> tuple[datetime, datetime]:
    """Return when a month begins and ends where the tenant lives, in UTC."""
    year, number = (int(part) for part in month.split("-"))
    middle = datetime(year, number, 15, tzinfo=ZoneInfo(time_zone))
    return month_of(middle.astimezone(UTC), time_zone)


def _month_before(name: str) -> str:
    year, month = (int(part) for part in name.split("-"))
    return f"{year - (month == 1)}-{month - 1 or 12:02d}"


def _whole_cents(amount: int) -> int:
    """Round half up, away from nothing."""
    sign = -1 if amount < 0 else 1
    return sign * ((abs(amount) + _CENT // 2) // _CENT * _CENT)
