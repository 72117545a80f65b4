"""Tenants, for the operator: make, list, read, change."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from smyth.http import answers
from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import OperatorCaller
from smyth.http.idempotency import Seed, once
from smyth.http.paging import Cursor, Limit, page, read_cursor
from smyth.http.services import services
from smyth.platform.access import OPERATOR
from smyth.platform.ids import TENANT, is_id
from smyth.platform.tenants import NewTenant, Tenant, TenantChanges
from smyth.platform.times import rfc3339

app = create_app("tenants")


@app.post("/api/tenants", status_code=201, response_model=answers.Tenant)
async def create(request: Request, caller: OperatorCaller, fields: NewTenant) -> Response:
    def make(seed: Seed) -> dict[str, Any]:
        return _view(services().tenants.create(fields, tenant_id=f"{TENANT}-{seed.ulid}"))

    return await once(request, OPERATOR, make)


@app.get("/api/tenants", response_model=answers.Page[answers.Tenant])
def listing(caller: OperatorCaller, limit: Limit = 20, cursor: Cursor = "") -> dict[str, Any]:
    found, place = services().tenants.page(limit=limit, after=read_cursor(cursor, lambda text: is_id(TENANT, text)))
    return page([_view(tenant) for tenant in found], place)


@app.get("/api/tenants/{tenant_id}", response_model=answers.Tenant)
def read(caller: OperatorCaller, tenant_id: str) -> dict[str, Any]:
    return _view(services().tenants.get(tenant_id))


@app.patch("/api/tenants/{tenant_id}", response_model=answers.Tenant)
def change(caller: OperatorCaller, tenant_id: str, changes: TenantChanges) -> dict[str, Any]:
    return _view(services().tenants.update(tenant_id, changes))


def _view(tenant: Tenant) -> dict[str, Any]:
    return {
        "id": tenant.id,
        "name": tenant.name,
        "plan": tenant.plan,
        "status": tenant.status,
        "limits": services().tenants.limits(tenant).model_dump(),
        "created_at": rfc3339(tenant.created_at),
    }


handler = lambda_handler(app)
