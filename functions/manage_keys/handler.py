"""API keys: make (shown once), list, change, rotate, revoke."""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import Request, Response

from smyth.http.answers.keys import ApiKey, CreatedApiKey
from smyth.http.answers.page import Page
from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import AnyCaller
from smyth.http.idempotency import Seed, once
from smyth.http.paging import Cursor, Limit, page, read_cursor
from smyth.http.services import services
from smyth.http.tenants import meant_tenant
from smyth.platform.access import presented_key
from smyth.platform.ids import KEY, is_id
from smyth.platform.keys import Key, KeyChanges, NewKey, Rotation, derived_secret
from smyth.platform.times import rfc3339

app = create_app("keys")


@app.post("/api/keys", status_code=201, response_model=CreatedApiKey)
async def create(request: Request, caller: AnyCaller, fields: NewKey) -> Response:
    tenant_id = meant_tenant(caller, fields.tenant_id)
    own = presented_key(request.headers)

    def secret(seed: Seed) -> str:
        return derived_secret(own, seed.salt)

    def make(seed: Seed) -> dict[str, Any]:
        services().tenants.get(tenant_id)
        made, _ = services().keys.create(caller, tenant_id, fields, secret=secret(seed), key_id=f"{KEY}-{seed.ulid}")
        return _view(made)

    return await once(request, _owner(tenant_id, own), make, hidden=lambda seed: {"key": secret(seed)})


@app.get("/api/keys", response_model=Page[ApiKey])
def listing(caller: AnyCaller, tenant_id: str | None = None, limit: Limit = 20, cursor: Cursor = "") -> dict[str, Any]:
    after = read_cursor(cursor, lambda text: is_id(KEY, text))
    found, place = services().keys.page(meant_tenant(caller, tenant_id), limit=limit, after=after)
    return page([_view(key) for key in found], place)


@app.patch("/api/keys/{key_id}", response_model=ApiKey)
def change(caller: AnyCaller, key_id: str, changes: KeyChanges, tenant_id: str | None = None) -> dict[str, Any]:
    return _view(services().keys.update(caller, meant_tenant(caller, tenant_id), key_id, changes))


@app.post("/api/keys/{key_id}/rotate", status_code=201, response_model=CreatedApiKey)
async def rotate(
    request: Request, caller: AnyCaller, key_id: str, rotation: Rotation | None = None, tenant_id: str | None = None
) -> Response:
    tenant = meant_tenant(caller, tenant_id)
    own = presented_key(request.headers)

    def secret(seed: Seed) -> str:
        return derived_secret(own, seed.salt)

    def replace(seed: Seed) -> dict[str, Any]:
        rotated, _ = services().keys.rotate(caller, tenant, key_id, rotation or Rotation(), secret=secret(seed))
        return _view(rotated)

    return await once(request, _owner(tenant, own), replace, hidden=lambda seed: {"key": secret(seed)})


@app.delete("/api/keys/{key_id}", status_code=204)
def revoke(caller: AnyCaller, key_id: str, tenant_id: str | None = None) -> None:
    services().keys.revoke(caller, meant_tenant(caller, tenant_id), key_id)


def _owner(tenant_id: str, own: str) -> str:
    """Return whose Idempotency-Keys these are: an answer's secret hangs on the credential that asked for it."""
    return f"{tenant_id}#{hashlib.sha256(own.encode()).hexdigest()}"


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
        "requests_per_minute": key.requests_per_minute,
        "last_used": key.last_used_at or None,
        "previous_until": rfc3339(key.previous_until) if key.previous_until else None,
    }


handler = lambda_handler(app)
