"""The operator acts as a tenant: with a key of the tenant's that ends soon and tells in every record whose it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from smyth.http.answers.tenants import Impersonation
from smyth.http.caller import OperatorCaller
from smyth.http.idempotency import Seed, once
from smyth.http.services import services
from smyth.platform.access import presented_key
from smyth.platform.errors import Conflict
from smyth.platform.ids import KEY
from smyth.platform.keys import NewKey, Role, derived_secret
from smyth.platform.names import Name
from smyth.platform.times import rfc3339, utc_now

router = APIRouter()

_MOST_MINUTES = 60


class Wish(BaseModel):
    """As whom to act, how long and why."""

    model_config = ConfigDict(extra="forbid")

    role: Role = "viewer"
    minutes: int = Field(default=15, ge=1, le=_MOST_MINUTES)
    #: The tenant sees it in the list of keys.
    reason: Name = Field(max_length=150)


@router.post("/api/tenants/{tenant_id}/impersonate", status_code=201, response_model=Impersonation)
async def impersonate(request: Request, caller: OperatorCaller, tenant_id: str, wish: Wish) -> Response:
    """Make a key of the tenant's that the operator acts with."""
    own = presented_key(request.headers)

    def secret(seed: Seed) -> str:
        return derived_secret(own, seed.salt)

    def make(seed: Seed) -> dict[str, Any]:
        tenant = services().tenants.get(tenant_id)
        if tenant.status == "erasing":
            raise Conflict(f"The tenant {tenant_id} is being erased. Nobody can act as it any more.")
        ends = utc_now() + timedelta(minutes=wish.minutes)
        fields = NewKey(name=f"operator: {wish.reason}", role=wish.role, expires_at=ends)
        made, _ = services().keys.create(
            caller, tenant.id, fields, secret=secret(seed), key_id=f"{KEY}-{seed.ulid}", acting_for=caller.key_id
        )
        return {
            "tenant_id": tenant.id,
            "key_id": made.id,
            "role": made.role,
            "acting_for": made.acting_for,
            "expires_at": rfc3339(ends),
        }

    # The answer's secret hangs on the key that asked, so that key alone may ask again.
    return await once(request, f"{tenant_id}#{caller.key_id}", make, hidden=lambda seed: {"key": secret(seed)})
