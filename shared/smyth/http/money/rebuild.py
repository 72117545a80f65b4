"""The proof that totals equal the ledger, for the operator."""

from __future__ import annotations

from datetime import date
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from smyth.http.answers.usage import RebuiltTotals
from smyth.http.caller import OperatorCaller
from smyth.http.services import services
from smyth.platform.money import usd
from smyth.platform.rebuild import Difference

router = APIRouter()


class RebuildFields(BaseModel):
    """Which days to compare, and whether to set right what differs."""

    model_config = ConfigDict(extra="forbid")

    first: date = Field(alias="from", description="The first day, in UTC.")
    last: date = Field(alias="to", description="The last day, at most 30 days later.")
    repair: bool = False


@router.post("/api/tenants/{tenant_id}/rebuild", response_model=RebuiltTotals)
def rebuild(caller: OperatorCaller, tenant_id: str, fields: RebuildFields) -> dict[str, Any]:
    """Compute roll-ups, meters and budgets from the ledger again and tell what differs."""
    tenant = services().tenants.get(tenant_id)
    found = services().rebuild.check(tenant, fields.first, fields.last, repair=fields.repair)
    return {"tenant_id": tenant.id, "differences": [_view(difference) for difference in found]}


def _view(difference: Difference) -> dict[str, Any]:
    counts = difference.kind == "meter"
    return {
        "kind": difference.kind,
        "name": difference.name,
        "ledger": difference.ledger if counts else usd(difference.ledger),
        "found": difference.found if counts else usd(difference.found),
        "repaired": difference.repaired,
    }
