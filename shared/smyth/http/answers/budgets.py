"""What answers tell of budgets."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from smyth.http.answers.fields import Money, Time


class Budget(BaseModel):
    """How much a tenant, an agent or a key may spend, and where that stands in this period."""

    scope: str = Field(description='"tenant", "agent:<id>" or "key:<id>".')
    amount: Money
    period: Literal["day", "month", "total"]
    per_run: Money | None = Field(description="What the models of one request may cost; null: as the stack has it.")
    spent: Money
    reserved: Money = Field(description="Set aside for requests at work.")
    left: Money
    renews_at: Time | None = Field(description="null: never.")
