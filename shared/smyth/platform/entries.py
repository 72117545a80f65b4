"""The ledger's entries: one for each billable request, final once it is settled or released."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from smyth.platform.money import marked_up

Status = Literal["reserved", "settled", "released"]


class Figures(BaseModel):
    """What a request used."""

    model_config = ConfigDict(frozen=True)

    #: The model that was asked, the last one where there were several.
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    #: What the provider takes, in micro-USD.
    provider_cost: int = 0
    duration_ms: int = 0

    @property
    def of_a_model(self) -> bool:
        """Whether a model was asked, which the provider takes money for."""
        return bool(self.model or self.input_tokens or self.output_tokens or self.cached_tokens or self.provider_cost)


class Entry(Figures):
    """One billable request in the ledger; final once it is settled or released."""

    request_id: str
    tenant_id: str
    #: When it was admitted.
    at: datetime
    key_id: str = ""
    agent_id: str = ""
    #: Method and path template.
    route: str = ""
    plan: str = ""
    #: What the plan takes for a request, in micro-USD; beyond the month's grant what it takes there.
    fee: int = 0
    #: Whether it was let in beyond the month's grant.
    overage: bool = False
    #: What the tenant pays for models on top of the provider's cost.
    markup_percent: int = 0
    #: What it may cost at the most, the fee included, in micro-USD; None where nothing bounds it.
    reserved: int | None = None
    #: Where that is reserved: ``<scope>#<period>/<shard>`` of each budget.
    budgets: tuple[str, ...] = ()
    #: What the tenant pays, in micro-USD: the fee and the models' cost with markup; nothing unless settled.
    price: int = 0
    #: Which meter it was taken from; empty where the plan has no limit.
    meter: str = ""
    status: Status = "reserved"
    lease_until: datetime

    @property
    def day(self) -> date:
        """The day it counts for."""
        return self.at.date()

    def settled(self, figures: Figures) -> Entry:
        """Return the entry as it stands once the request has been answered."""
        price = self.cost_of(figures)
        if self.reserved is not None:  # A budget is never passed, whatever a provider reports in the end.
            price = min(price, self.reserved)
        return self.model_copy(update=figures.model_dump() | {"status": "settled", "price": price})

    def cost_of(self, figures: Figures) -> int:
        """Return the fee and the models' cost with markup, in micro-USD."""
        return self.fee + marked_up(figures.provider_cost, self.markup_percent)

    def released(self, figures: Figures) -> Entry:
        """Return the entry as it stands once the request is known to cost nothing."""
        return self.model_copy(update=figures.model_dump() | {"status": "released", "price": 0})
