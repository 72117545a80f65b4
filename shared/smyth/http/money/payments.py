"""Payments: what was paid, buying prepaid requests, and the operator's entries."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from smyth.http.answers import billing as answers
from smyth.http.answers.page import Page
from smyth.http.caller import OperatorCaller, TenantCaller
from smyth.http.idempotency import Seed, once
from smyth.http.paging import Cursor, Limit, page, read_cursor
from smyth.http.services import services
from smyth.platform.money import usd
from smyth.platform.payments import PAYMENT, NewPayment, Payment
from smyth.platform.times import rfc3339

router = APIRouter()


class NewOrder(BaseModel):
    """What is to be bought."""

    model_config = ConfigDict(extra="forbid")

    packages: int = Field(ge=1, le=1_000, description="How many of the plan's packages.")


@router.get("/api/billing/payments", response_model=Page[answers.Payment])
def payments(caller: TenantCaller, limit: Limit = 20, cursor: Cursor = "") -> dict[str, Any]:
    """Return the tenant's payments, newest first."""
    return _page(caller.tenant_id, limit, cursor)


@router.post("/api/billing/prepaid", status_code=201, response_model=answers.CheckoutPage)
async def buy(request: Request, caller: TenantCaller, order: NewOrder) -> Response:
    """Return a page on which packages of prepaid requests can be paid."""

    def make(seed: Seed) -> dict[str, Any]:
        tenant = services().tenants.get(caller.tenant_id)
        package = services().payments.package(tenant)
        found = services().checkout.order(tenant, order.packages, public_url=caller.public_url, key=seed.ulid)
        price = usd(order.packages * package.price)
        return {"id": found.id, "url": found.url, "requests": order.packages * package.requests, "price": price}

    return await once(request, caller.tenant_id, make)


@router.post("/api/tenants/{tenant_id}/payments", status_code=201, response_model=answers.Payment)
async def record(request: Request, caller: OperatorCaller, tenant_id: str, fields: NewPayment) -> Response:
    """Write down a payment, a top-up, a credit, a refund or a gift."""
    tenant = services().tenants.get(tenant_id)

    def make(seed: Seed) -> dict[str, Any]:
        payment_id = f"{PAYMENT}-{seed.ulid}"
        return _view(services().payments.record(tenant, fields, by=caller.key_id, payment_id=payment_id))

    return await once(request, tenant_id, make)


@router.get("/api/tenants/{tenant_id}/payments", response_model=Page[answers.Payment])
def payments_of_tenant(
    caller: OperatorCaller, tenant_id: str, limit: Limit = 20, cursor: Cursor = ""
) -> dict[str, Any]:
    """Return a tenant's payments, for the operator."""
    return _page(services().tenants.get(tenant_id).id, limit, cursor)


def _page(tenant_id: str, limit: int, cursor: str) -> dict[str, Any]:
    after = read_cursor(cursor, lambda text: 0 < len(text) <= 200)
    found, place = services().payments.page(tenant_id, limit=limit, after=after)
    return page([_view(payment) for payment in found], place)


def _view(payment: Payment) -> dict[str, Any]:
    shown = payment.model_dump(include={"id", "kind", "requests", "month", "by", "reference", "note"})
    return shown | {"amount": usd(payment.amount), "at": rfc3339(payment.at)}
