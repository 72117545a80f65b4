"""Tenants, for the operator: make, list, read, change, act as, export, erase."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from smyth.http.answers import tenants as answers
from smyth.http.answers.page import Page
from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import OperatorCaller
from smyth.http.idempotency import Seed, once
from smyth.http.impersonation import router as impersonation
from smyth.http.paging import Cursor, Limit, page, read_cursor
from smyth.http.services import services
from smyth.platform.access import OPERATOR
from smyth.platform.ids import TENANT, is_id
from smyth.platform.tenant_export import KEPT
from smyth.platform.tenants import NewTenant, Tenant, TenantChanges
from smyth.platform.times import rfc3339

app = create_app("tenants")
app.include_router(impersonation)


@app.post("/api/tenants", status_code=201, response_model=answers.Tenant)
async def create(request: Request, caller: OperatorCaller, fields: NewTenant) -> Response:
    def make(seed: Seed) -> dict[str, Any]:
        return _view(services().tenants.create(fields, tenant_id=f"{TENANT}-{seed.ulid}"))

    return await once(request, OPERATOR, make)


@app.get("/api/tenants", response_model=Page[answers.Tenant])
def listing(caller: OperatorCaller, limit: Limit = 20, cursor: Cursor = "") -> dict[str, Any]:
    found, place = services().tenants.page(limit=limit, after=read_cursor(cursor, lambda text: is_id(TENANT, text)))
    return page([_view(tenant) for tenant in found], place)


@app.get("/api/tenants/{tenant_id}", response_model=answers.Tenant)
def read(caller: OperatorCaller, tenant_id: str) -> dict[str, Any]:
    return _view(services().tenants.get(tenant_id))


@app.patch("/api/tenants/{tenant_id}", response_model=answers.Tenant)
def change(caller: OperatorCaller, tenant_id: str, changes: TenantChanges) -> dict[str, Any]:
    return _view(services().tenants.update(tenant_id, changes))


@app.delete("/api/tenants/{tenant_id}", status_code=202, response_model=answers.TenantErasure)
def erase(caller: OperatorCaller, tenant_id: str) -> dict[str, Any]:
    erasure = services().erasures.request(tenant_id)
    return {
        "tenant_id": erasure.tenant_id,
        "status": "erasing",
        "requested_at": rfc3339(erasure.requested_at),
        "begins_at": rfc3339(erasure.begins_at),
    }


@app.get("/api/tenants/{tenant_id}/export", response_model=answers.TenantExport)
def export(caller: OperatorCaller, response: Response, tenant_id: str, anew: bool = False) -> dict[str, Any]:
    asked, links = services().exports.ask(tenant_id, anew=anew)
    finished = asked.finished_at
    response.status_code = 200 if finished else 202
    return {
        "tenant_id": tenant_id,
        "status": "ready" if finished else "running",
        "requested_at": rfc3339(asked.requested_at),
        "finished_at": rfc3339(finished) if finished else None,
        "kept_until": rfc3339(finished + KEPT) if finished else None,
        "links": links,
    }


def _view(tenant: Tenant) -> dict[str, Any]:
    return {
        "id": tenant.id,
        "name": tenant.name,
        "plan": tenant.plan,
        "status": tenant.status,
        "limits": services().tenants.limits(tenant).model_dump(),
        "time_zone": tenant.time_zone,
        "trial_until": rfc3339(tenant.trial_until) if tenant.trial_until else None,
        "requests_per_minute": tenant.requests_per_minute,
        "budgeted": tenant.budgeted,
        "plan_history": [{"plan": change.plan, "since": rfc3339(change.since)} for change in tenant.plan_history],
        "created_at": rfc3339(tenant.created_at),
    }


handler = lambda_handler(app)
