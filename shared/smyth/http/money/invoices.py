"""Invoices and the price list."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from smyth.http.answers import Page, PlanOffer
from smyth.http.caller import TenantCaller
from smyth.http.paging import page
from smyth.http.services import services
from smyth.platform.money import usd
from smyth.platform.plans import Plan

router = APIRouter()


@router.get("/api/billing/plans", response_model=Page[PlanOffer])
def plans(caller: TenantCaller) -> dict[str, Any]:
    """Return the price list of this stack."""
    return page([_offer(plan, mine=plan.name == caller.plan) for plan in services().plans.values()], "")


def _offer(plan: Plan, *, mine: bool) -> dict[str, Any]:
    return {
        "name": plan.name,
        "mine": mine,
        "price_per_month": usd(plan.price_per_month),
        "price_per_request": usd(plan.price_per_request),
        "prepaid": plan.prepaid,
        "requests_per_month": plan.limits.requests_per_month,
        "agents": plan.limits.agents,
    }
