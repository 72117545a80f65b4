"""What answers tell the operator of tenants."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from smyth.http.answers.fields import Time


class TenantLimits(BaseModel):
    """What the tenant may use; null means without limit."""

    requests_per_month: int | None
    agents: int | None
    storage_bytes: int | None


class TenantPlan(BaseModel):
    """A plan that a tenant came to."""

    plan: str
    since: Time


class Tenant(BaseModel):
    """A tenant."""

    id: str
    name: str
    plan: str
    status: Literal["active", "suspended", "erasing"]
    limits: TenantLimits
    time_zone: str = Field(description="Where its months begin and end.")
    trial_until: Time | None = Field(description="No monthly price is charged before.")
    requests_per_minute: int | None = Field(description="Its own limit; null: the plan's holds.")
    budgeted: bool
    plan_history: list[TenantPlan] = Field(description="Every plan that it has had, oldest first.")
    created_at: Time


class Impersonation(BaseModel):
    """A key by which the operator acts as a tenant, for a short time."""

    tenant_id: str
    key_id: str
    key: str = Field(description="The secret. It is never shown again.")
    role: str
    acting_for: str = Field(description="The operator's key; it stands in the audit beside all that is done.")
    expires_at: Time


class TenantErasure(BaseModel):
    """A tenant that is being erased."""

    tenant_id: str
    status: Literal["erasing"]
    requested_at: Time
    begins_at: Time = Field(description="When no request of it can be at work any more.")


class TenantExport(BaseModel):
    """A tenant's data; while it is being collected without links."""

    tenant_id: str
    status: Literal["running", "ready"]
    requested_at: Time
    finished_at: Time | None
    kept_until: Time | None
    links: list[str] = Field(description="Of the archives; each holds for an hour. Ask again for new ones.")
