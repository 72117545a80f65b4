"""Alerts: what the tenant is told, where, what came of it, and a test."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from smyth.http.answers.alerts import AlertsShown, AlertsWritten, RaisedAlert
from smyth.http.caller import TenantCaller
from smyth.http.services import services
from smyth.platform.alert_delivery import message
from smyth.platform.alerts import Alert, AlertChanges, AlertSettings, Email, Levels, SpendSpike
from smyth.platform.money import micro, usd

router = APIRouter()


class SpikeFields(BaseModel):
    """When spending counts as a spike."""

    model_config = ConfigDict(extra="forbid")

    factor: int = Field(default=3, ge=2, le=100, description="How many times the usual hour the last hour cost.")
    minimum: str = Field(
        default="5.000000",
        pattern=r"^[0-9]{1,9}(\.[0-9]{1,6})?$",
        description="An hour that cost less is no spike; in USD.",
    )


class AlertFields(BaseModel):
    """What the tenant wants to be told; all of it is set anew."""

    model_config = ConfigDict(extra="forbid")

    levels: Levels = Field(default=(50, 80, 100), description="In percent of quotas and budgets.")
    spend_spike: SpikeFields | None = Field(default=SpikeFields(), description="null: spikes are not looked for.")
    webhook_url: str | None = Field(default=None, max_length=2_000)
    new_webhook_secret: bool = Field(default=False, description="Make a new secret though there is one.")
    emails: tuple[Email, ...] = Field(default=(), max_length=5)


@router.get("/api/alerts", response_model=AlertsShown)
def get(caller: TenantCaller) -> dict[str, Any]:
    """Show what the tenant is told, where, and the newest alerts."""
    alerts = services().alerts
    recent = [_view(alert) for alert in alerts.recent(caller.tenant_id)]
    return _settings(alerts.settings(caller.tenant_id)) | {"recent": recent}


@router.put("/api/alerts", response_model=AlertsWritten)
async def put(caller: TenantCaller, fields: AlertFields) -> dict[str, Any]:
    """Set what the tenant is told and where, all of it anew."""
    spike = fields.spend_spike and SpendSpike(
        factor=fields.spend_spike.factor, minimum=micro(fields.spend_spike.minimum)
    )
    changes = AlertChanges(**fields.model_dump(exclude={"spend_spike"}), spend_spike=spike)
    settings, secret = await services().alerts.put(caller.tenant_id, changes)
    return _settings(settings) | {"webhook_secret": secret}


@router.post("/api/alerts/test", status_code=202, response_model=RaisedAlert)
def test(caller: TenantCaller) -> dict[str, Any]:
    """Raise an alert that says that alerts arrive; GET /api/alerts tells what came of it."""
    return _view(services().alerts.test(caller.tenant_id))


def _settings(settings: AlertSettings) -> dict[str, Any]:
    spike = settings.spend_spike
    return {
        "levels": settings.levels,
        "spend_spike": spike and {"factor": spike.factor, "minimum": usd(spike.minimum)},
        "webhook_url": settings.webhook_url,
        "emails": settings.emails,
    }


def _view(alert: Alert) -> dict[str, Any]:
    return message(alert) | {"state": alert.state, "attempts": alert.attempts, "deliveries": alert.deliveries}
