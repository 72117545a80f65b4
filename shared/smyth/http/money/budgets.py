"""Budgets: read, set, take away."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from smyth.http.answers.budgets import Budget
from smyth.http.answers.page import Page
from smyth.http.caller import TenantCaller
from smyth.http.paging import page
from smyth.http.services import services
from smyth.platform.budget_changes import BudgetFields, Standing
from smyth.platform.money import usd
from smyth.platform.times import rfc3339

router = APIRouter()


@router.get("/api/budgets", response_model=Page[Budget])
def listing(caller: TenantCaller) -> dict[str, Any]:
    """Return the tenant's budgets as they stand."""
    return page([_view(one) for one in services().budgets.all(caller.tenant_id, caller.time_zone)], "")


@router.put("/api/budgets/{scope}", response_model=Budget)
def put(caller: TenantCaller, scope: str, fields: BudgetFields) -> dict[str, Any]:
    """Set the budget of a scope; it holds from the next request on."""
    return _view(services().budgets.put(caller.tenant_id, scope, fields, caller.time_zone))


@router.delete("/api/budgets/{scope}", status_code=204)
def delete(caller: TenantCaller, scope: str) -> None:
    """Take the budget of a scope away."""
    services().budgets.delete(caller.tenant_id, scope)


def _view(standing: Standing) -> dict[str, Any]:
    budget, spending = standing.budget, standing.spending
    return {
        "scope": budget.scope,
        "amount": usd(budget.amount),
        "period": budget.period,
        "per_run": None if budget.per_run is None else usd(budget.per_run),
        "spent": usd(spending.spent),
        "reserved": usd(spending.reserved),
        "left": usd(max(0, spending.free)),
        "renews_at": rfc3339(standing.renews_at) if standing.renews_at else None,
    }
