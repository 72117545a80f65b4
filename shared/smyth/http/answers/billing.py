"""What answers tell of plans, invoices and payments."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from smyth.http.answers.fields import Balance, Money, Time
from smyth.http.answers.usage import Period


class PackageOffer(BaseModel):
    """What prepaid requests are sold by."""

    requests: int
    price: Money


class PlanOffer(BaseModel):
    """A plan of the price list; null means without limit, or that there is none."""

    name: str
    mine: bool = Field(description="Whether the caller's tenant has it.")
    price_per_month: Money
    price_per_request: Money
    overage_per_request: Money | None = Field(
        description="What requests beyond the limit cost; null: they are refused."
    )
    model_markup_percent: int
    prepaid: bool
    package: PackageOffer | None
    requests_per_month: int | None
    agents: int | None
    storage_bytes: int | None = Field(description="Uploaded files together.")


class InvoiceIssuer(BaseModel):
    """Who sends the invoice."""

    name: str
    address: list[str]
    tax_id: str


class InvoiceLine(BaseModel):
    """A line of an invoice."""

    kind: str
    description: str
    quantity: int | None
    unit_price: Money | None
    amount: Balance


class InvoiceTax(BaseModel):
    """The tax on the subtotal."""

    name: str
    percent: str
    amount: Money


class InvoiceSummary(BaseModel):
    """What an invoice comes to."""

    number: str
    month: str
    status: Literal["open", "final"] = Field(description="Final once the month is over and nothing of it can change.")
    currency: Literal["USD"]
    total: Balance
    paid: Balance
    due: Balance = Field(description="In whole cents; negative where more has been paid.")


class Invoice(InvoiceSummary):
    """A month's invoice."""

    tenant_id: str
    tenant_name: str
    period: Period
    issuer: InvoiceIssuer
    lines: list[InvoiceLine]
    subtotal: Balance
    tax: InvoiceTax


class Payment(BaseModel):
    """Money that came or went, or requests that were given."""

    id: str
    kind: Literal["topup", "payment", "credit", "refund", "grant"]
    amount: Money
    requests: int
    month: str = Field(description="The month whose invoice it belongs to.")
    at: Time
    by: str
    reference: str
    note: str


class CheckoutPage(BaseModel):
    """Where an order is paid; the requests are there once it is."""

    id: str
    url: str
    requests: int
    price: Money


class Received(BaseModel):
    """The message arrived and is what it claims to be."""

    received: Literal[True]
