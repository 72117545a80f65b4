"""What answers tell of usage, and whether totals are right."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from smyth.http.answers.fields import Money, Time


class Period(BaseModel):
    """From ``start`` up to, not including, ``end``."""

    start: Time
    end: Time


class Requests(BaseModel):
    """Requests of the plan's period; null means without limit."""

    limit: int | None
    used: int
    remaining: int | None


class UsageGroup(BaseModel):
    """What was used under one value of ``group_by``, which is a member here."""

    model_config = ConfigDict(extra="allow")

    requests: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    provider_cost: Money
    cost: Money


class UsageReport(BaseModel):
    """What was used, and what is left."""

    period: Period
    plan: str
    requests: Requests
    cost: Money
    currency: Literal["USD"]
    items: list[UsageGroup]


class TotalDifference(BaseModel):
    """A total that is not what the ledger says: requests of a meter, USD of a budget or a day's roll-up."""

    kind: Literal["rollup", "meter", "budget"]
    name: str
    ledger: int | str
    found: int | str
    repaired: bool


class RebuiltTotals(BaseModel):
    """What differs from the ledger; nothing, where all is well."""

    tenant_id: str
    differences: list[TotalDifference]
