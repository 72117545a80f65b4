"""Invoices and the price list."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse, JSONResponse

from smyth.http.answers import billing as answers
from smyth.http.answers.page import Page
from smyth.http.caller import AnyCaller, OperatorCaller, TenantCaller
from smyth.http.money.invoice_view import invoice_view, summary_view
from smyth.http.paging import Cursor, page, read_cursor
from smyth.http.services import services
from smyth.platform.money import usd
from smyth.platform.payments import Month
from smyth.platform.plans import Plan
from smyth.platform.tenants import Tenant

router = APIRouter()

AsFormat = Annotated[Literal["json", "html", "pdf"], Query(alias="format", description="What to answer with.")]
OfMonth = Annotated[Month | None, Query(description="Such as 2026-05; the running month unless told.")]
_FORMATS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {}, "application/pdf": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("/api/billing/plans", response_model=Page[answers.PlanOffer])
def plans(caller: AnyCaller) -> dict[str, Any]:
    """Return the price list of this stack."""
    return page([_offer(plan, mine=plan.name == caller.plan) for plan in services().plans.values()], "")


@router.get("/api/billing/invoices", response_model=Page[answers.InvoiceSummary])
def invoices(
    caller: TenantCaller, limit: Annotated[int, Query(ge=1, le=24)] = 12, cursor: Cursor = ""
) -> dict[str, Any]:
    """Return the tenant's invoices, newest first."""
    tenant = services().tenants.get(caller.tenant_id)
    months = services().invoices.months(tenant)
    after = read_cursor(cursor, lambda text: text in months)
    months = months[months.index(after) + 1 :] if after else months
    found = [summary_view(services().invoices.of(tenant, month)) for month in months[:limit]]
    return page(found, months[limit - 1] if len(months) > limit else "")


@router.get("/api/billing/invoice", response_model=answers.Invoice, responses=_FORMATS)
def invoice(caller: TenantCaller, month: OfMonth = None, form: AsFormat = "json") -> Response:
    """Return a month's invoice."""
    return _rendered(services().tenants.get(caller.tenant_id), month, form)


@router.get("/api/tenants/{tenant_id}/invoice", response_model=answers.Invoice, responses=_FORMATS)
def invoice_of_tenant(
    caller: OperatorCaller, tenant_id: str, month: OfMonth = None, form: AsFormat = "json"
) -> Response:
    """Return a tenant's invoice, for the operator."""
    return _rendered(services().tenants.get(tenant_id), month, form)


def _rendered(tenant: Tenant, month: str | None, form: Literal["json", "html", "pdf"]) -> Response:
    view = invoice_view(services().invoices.of(tenant, month))
    match form:
        case "html":
            from smyth.http.money.invoice_html import to_html

            policy = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
            return HTMLResponse(to_html(view), headers=policy)
        case "pdf":
            from smyth.http.money.invoice_pdf import to_pdf

            named = {"content-disposition": f'inline; filename="invoice-{view["number"]}.pdf"'}
            return Response(to_pdf(view), media_type="application/pdf", headers=named)
    return JSONResponse(view)


def _offer(plan: Plan, *, mine: bool) -> dict[str, Any]:
    overage, package = plan.overage_per_request, plan.package
    return {
        "name": plan.name,
        "mine": mine,
        "price_per_month": usd(plan.price_per_month),
        "price_per_request": usd(plan.price_per_request),
        "overage_per_request": None if overage is None else usd(overage),
        "model_markup_percent": plan.model_markup_percent,
        "prepaid": plan.prepaid,
        "package": None if package is None else {"requests": package.requests, "price": usd(package.price)},
        "requests_per_month": None if plan.prepaid else plan.limits.requests_per_month,
        "agents": plan.limits.agents,
        "storage_bytes": plan.limits.storage_bytes,
    }
