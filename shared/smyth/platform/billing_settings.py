"""How a stack bills: settings of its customer, in the environment as ``SMYTH_BILLING``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Issuer(BaseModel):
    """Who sends the invoices, and the tax on them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    address: list[str] = []
    tax_id: str = ""
    tax_name: str = "Tax"
    #: In hundredths of a percent: 1900 is 19 %.
    tax_rate: int = Field(default=0, ge=0, le=10_000)


class BillingSettings(BaseModel):
    """All of it; everything has a default, so that a stack bills without any."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: Issuer = Issuer()
    #: Where Stripe sends people who have paid, or have not; blank: to this service's documentation.
    return_url: str = ""
    #: The event names of Stripe's billing meters for requests and for models' cost in micro-USD; blank: not reported.
    request_meter: str = "smyth_requests"
    model_meter: str = ""
