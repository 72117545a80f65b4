"""What answers tell of API keys."""

from __future__ import annotations

from pydantic import BaseModel, Field

from smyth.http.answers.fields import Time


class ApiKey(BaseModel):
    """A key as lists show it; its secret is shown once, when it is made."""

    id: str
    tenant_id: str
    name: str
    role: str
    prefix: str
    agents: list[str]
    routes: list[str]
    created_at: Time
    expires_at: Time | None
    requests_per_minute: int | None = Field(description="Of billable requests; null: the tenant's limit alone holds.")
    last_used: str | None = Field(description="To within five minutes.")
    previous_until: Time | None = Field(description="Until when the secret before the last rotation counts.")


class CreatedApiKey(ApiKey):
    """A new key with its secret."""

    key: str = Field(description="The secret. It is never shown again.")
