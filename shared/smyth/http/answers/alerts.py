"""What answers tell of alerts."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from smyth.http.answers.fields import Money, Time


class SpikeRule(BaseModel):
    """When spending counts as a spike."""

    factor: int
    minimum: Money


class RaisedAlert(BaseModel):
    """An alert and what came of it; ``used`` and ``limit`` are requests, or USD where money is meant."""

    id: str
    tenant_id: str
    kind: Literal["quota", "budget", "spend_spike", "schedule", "trigger", "test"]
    subject: str
    level: int | None
    used: int | Money
    limit: int | Money
    message: str
    at: Time
    state: Literal["pending", "done", "failed"]
    attempts: int
    deliveries: dict[str, str] = Field(description='By channel: "delivered", or why not.')


class AlertTargets(BaseModel):
    """What the tenant is told, and where."""

    levels: list[int]
    spend_spike: SpikeRule | None
    webhook_url: str | None
    emails: list[str]


class AlertsShown(AlertTargets):
    """What the tenant is told, where, and the newest alerts."""

    recent: list[RaisedAlert]


class AlertsWritten(AlertTargets):
    """What the tenant is told, and where, as it is now."""

    webhook_secret: str | None = Field(description="The new secret that signs; shown once. null: there is no new one.")
