"""What answers tell of webhooks."""

from __future__ import annotations

from pydantic import BaseModel


class Accepted(BaseModel):
    """A message was taken; what it starts is told by the runs of its trigger."""

    accepted: bool
    delivery_id: str


class WebhookSecret(BaseModel):
    """A webhook's secret, shown this once."""

    id: str
    secret: str
    previous_until: str | None = None
