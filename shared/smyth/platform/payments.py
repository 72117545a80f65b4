"""Payments: money that came and went, and prepaid requests that it bought.

Without a payment provider the operator writes them; with one its verified events
do. Each is written once, however often it is told, and one that buys or takes
requests changes the prepaid meter's grant in the same step.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Protocol, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from smyth.platform.errors import Conflict, Invalid
from smyth.platform.ids import new_id
from smyth.platform.money import micro
from smyth.platform.names import Name
from smyth.platform.periods import period_name
from smyth.platform.plans import Package, Plan
from smyth.platform.times import Clock, utc_now

if TYPE_CHECKING:
    from smyth.platform.tenants import Tenant

PAYMENT = "pay"
#: Far more than anybody buys at once, and far less than a number of DynamoDB holds.
MOST_REQUESTS = 1_000_000_000

#: ``topup`` buys requests, ``payment`` pays an invoice, ``credit`` lowers one, ``refund`` gives money back and may take
#: requests back, ``grant`` gives requests away.
Kind = Literal["topup", "payment", "credit", "refund", "grant"]
#: A calendar month of the tenant's time zone.
Month = Annotated[str, Field(pattern=r"^20\d\d-(0[1-9]|1[0-2])$", description="Such as 2026-05.")]


def _amount(given: object) -> int:
    if isinstance(given, str):
        return micro(given)
    raise ValueError('must be a text such as "12.50"')


#: Dollars as text in, micro-USD inside.
Amount = Annotated[int, BeforeValidator(_amount), WithJsonSchema({"type": "string", "examples": ["12.50"]})]


class Payment(BaseModel):
    """One entry of a tenant's account. Money in micro-USD, never negative: the kind says which way it went."""

    model_config = ConfigDict(frozen=True)

    id: str
    tenant_id: str
    kind: Kind
    amount: int = 0
    #: Prepaid requests that were bought, given away or, by a refund, taken back.
    requests: int = 0
    #: The month whose invoice it belongs to.
    month: str
    at: datetime
    #: The operator's key, or the payment provider.
    by: str
    #: What the payer or the provider calls it.
    reference: str = ""
    note: str = ""

    @property
    def received(self) -> int:
        """The money that came in by it; negative where it went out."""
        match self.kind:
            case "topup" | "payment":
                return self.amount
            case "refund":
                return -self.amount
        return 0

    @property
    def granted(self) -> int:
        """By how many requests it changes the prepaid grant."""
        return -self.requests if self.kind == "refund" else self.requests


class NewPayment(BaseModel):
    """What the operator writes down."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    amount: Amount = Field(default_factory=int)
    requests: int = Field(default=0, ge=0, le=MOST_REQUESTS)
    packages: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="Of a top-up: packages of the plan, in place of amount and requests.",
    )
    month: Month | None = Field(default=None, description="Of a payment: the month whose invoice it pays.")
    reference: Annotated[str, Field(max_length=200)] = ""
    note: Name | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.packages is not None and (self.kind != "topup" or self.amount or self.requests):
            raise ValueError("packages stand for the amount and requests of a top-up: give either them or those")
        if self.packages is None and self.kind in ("topup", "grant") and not self.requests:
            raise ValueError(f"a {self.kind} needs requests")
        if self.kind in ("payment", "credit") and self.requests:
            raise ValueError(f"a {self.kind} has no requests; a grant gives requests, a topup sells them")
        if self.kind == "grant" and self.amount:
            raise ValueError("a grant has no amount; a topup sells requests")
        if self.kind in ("payment", "credit", "refund") and not (self.amount or self.requests):
            raise ValueError(f"a {self.kind} needs an amount")
        if self.month is not None and self.kind != "payment":
            raise ValueError(
                "only a payment names a month; everything else belongs to the month in which it is written"
            )
        return self


class TooFewLeft(Exception):
    """Fewer prepaid requests are left than are to be taken back; nothing was written.

    Attributes:
        left: How many there are.
    """

    def __init__(self, left: int) -> None:
        super().__init__(left)
        self.left = left


class PaymentStore(Protocol):
    """Where payments live."""

    def add(self, payment: Payment) -> Payment:
        """Write a payment and change the prepaid grant by it, both or neither; return it, or the one with its id.

        Raises:
            TooFewLeft: It takes back more requests than are left.
        """
        ...

    def of(self, tenant_id: str) -> list[Payment]:
        """Return a tenant's payments, oldest first."""
        ...


class Payments:
    """The use cases of payments."""

    def __init__(self, store: PaymentStore, plans: Mapping[str, Plan], clock: Clock = utc_now) -> None:
        self._store = store
        self._plans = plans
        self._now = clock

    def record(self, tenant: Tenant, fields: NewPayment, *, by: str, payment_id: str | None = None) -> Payment:
        """Write down what the operator says.

        Args:
            tenant: Whose account.
            fields: What happened.
            by: Who says so.
            payment_id: The id, where a repeated request must write the same payment.

        Raises:
            Invalid: The tenant's plan sells no packages.
            Conflict: More requests are to be taken back than are left, or the id is another payment's.
        """
        amount, requests = fields.amount, fields.requests
        if fields.packages is not None:
            package = self.package(tenant)
            amount, requests = fields.packages * package.price, fields.packages * package.requests
        elif requests:
            self._check_prepaid(tenant)
        now = self._now()
        payment = Payment(
            id=payment_id or new_id(PAYMENT),
            tenant_id=tenant.id,
            kind=fields.kind,
            amount=amount,
            requests=requests,
            month=fields.month or month_name(now, tenant.time_zone),
            at=now,
            by=by,
            reference=fields.reference,
            note=fields.note or "",
        )
        try:
            return self._same(self._store.add(payment), payment)
        except TooFewLeft as short:
            raise Conflict(
                f"The refund takes back {requests} requests and only {short.left} are left. Nothing was written; "
                "take back fewer."
            ) from None

    def confirmed(
        self,
        tenant: Tenant,
        kind: Literal["topup", "refund"],
        *,
        payment_id: str,
        amount: int,
        requests: int,
        by: str,
        reference: str,
    ) -> Payment:
        """Write down what a payment provider has done; money that is gone is written however few requests are left."""
        now = self._now()
        payment = Payment(
            id=payment_id,
            tenant_id=tenant.id,
            kind=kind,
            amount=amount,
            requests=requests,
            month=month_name(now, tenant.time_zone),
            at=now,
            by=by,
            reference=reference,
        )
        while True:
            try:
                return self._store.add(payment)
            except TooFewLeft as short:
                payment = payment.model_copy(update={"requests": short.left})

    def of(self, tenant_id: str) -> list[Payment]:
        """Return a tenant's payments, newest first."""
        return self._store.of(tenant_id)[::-1]

    def page(self, tenant_id: str, *, limit: int, after: str = "") -> tuple[list[Payment], str]:
        """Return payments, newest first, and where the next page begins, empty at the end."""
        found = self.of(tenant_id)
        if after:
            known = [payment.id for payment in found]
            found = found[known.index(after) + 1 :] if after in known else []
        return found[:limit], found[limit - 1].id if len(found) > limit else ""

    def package(self, tenant: Tenant) -> Package:
        """Return what the tenant's plan sells prepaid requests by.

        Raises:
            Invalid: It sells none.
        """
        self._check_prepaid(tenant)
        package = self._plans[tenant.plan].package
        if package is None:
            raise Invalid(f'The plan "{tenant.plan}" has no package. Give the amount and the requests of the top-up.')
        return package

    def is_prepaid(self, tenant: Tenant) -> bool:
        """Say whether the tenant's requests are bought in advance."""
        plan = self._plans.get(tenant.plan)
        return plan is not None and plan.prepaid

    def _check_prepaid(self, tenant: Tenant) -> None:
        if not self.is_prepaid(tenant):
            raise Invalid(
                f'The tenant has the plan "{tenant.plan}", whose requests are not bought in advance. '
                "Move it to a prepaid plan first, or leave the requests out."
            )

    def _same(self, written: Payment, asked: Payment) -> Payment:
        what = {"kind", "amount", "requests"}
        if written.model_dump(include=what) != asked.model_dump(include=what):
            raise Conflict(f"The payment {asked.id} is there already and says something else. Nothing was written.")
        return written


def month_name(moment: datetime, time_zone: str) -> str:
    """Return the month of a moment where the tenant lives: ``2026-05``."""
    return period_name("month", moment, time_zone)
