"""API keys: make (shown once), list, revoke."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from smyth.http.answers import ApiKey, CreatedApiKey, Page
from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import AnyCaller, Caller
from smyth.http.idempotency import Seed, once
from smyth.http.paging import Cursor, Limit, page, read_cursor
from smyth.http.services import services
from smyth.platform.access import presented_key
from smyth.platform.errors import Forbidden, Invalid
from smyth.platform.ids import KEY, is_id
from smyth.platform.keys import Key, NewKey, derived_secret
from smyth.platform.times import rfc3339

app = create_app("keys")


@app.post("/api/keys", status_code=201, response_model=CreatedApiKey)
async def create(request: Request, caller: AnyCaller, fields: NewKey) -> Response:
    tenant_id = _tenant(caller, fields.tenant_id)
    own = presented_key(request.headers)

    def secret(seed: Seed) -> str:
        return derived_secret(own, seed.salt)

    def make(seed: Seed) -> dict[str, Any]:
        services().tenants.get(tenant_id)
        made, _ = services().keys.create(caller, tenant_id, fields, secret=secret(seed), key_id=f"{KEY}-{seed.ulid}")
        return _view(made)

    # The answer's secret hangs on the key that asked, so that key alone may ask again.
    owner = f"{tenant_id}#{caller.key_id}"
    return await once(request, owner, make, hidden=lambda seed: {"key": secret(seed)})


@app.get("/api/keys", response_model=Page[ApiKey])
def listing(caller: AnyCaller, tenant_id: str | None = None, limit: Limit = 20, cursor: Cursor = "") -> dict[str, Any]:
    after = read_cursor(cursor, lambda text: is_id(KEY, text))
    found, place = services().keys.page(_tenant(caller, tenant_id), limit=limit, after=after)
    return page([_view(key) for key in found], place)


@app.delete("/api/keys/{key_id}", status_code=204)
def revoke(caller: AnyCaller, key_id: str, tenant_id: str | None = None) -> None:
    services().keys.revoke(caller, _tenant(caller, tenant_id), key_id)


def _tenant(caller: Caller, named: str | None) -> str:
    """Return whose keys are meant: the caller's own, or for the operator the tenant's that is named."""
    if caller.tenant_id:
        if named not in (None, caller.tenant_id):
            raise Forbidden("Only the operator names a tenant. Leave tenant_id out.")
        return caller.tenant_id
    if not named:
        raise Invalid("The operator has no keys of its own here. Name the tenant_id whose keys you mean.")
    return services().tenants.get(named).id


def _view(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "tenant_id": key.tenant_id,
        "name": key.name,
        "role": key.role,
        "prefix": key.prefix,
        "agents": key.agents,
        "routes": key.routes,
        "created_at": rfc3339(key.created_at),
        "expires_at": rfc3339(key.expires_at) if key.expires_at else None,
        "last_used": key.last_used_day or None,
    }


handler = lambda_handler(app)
