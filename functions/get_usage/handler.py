"""What the tenant used, and what is left of its plan."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from fastapi import Query

from smyth.http.answers.usage import UsageReport
from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import AnyCaller, Caller
from smyth.http.services import services
from smyth.platform.errors import Forbidden, Invalid
from smyth.platform.times import utc_now
from smyth.platform.usage import GroupBy, moment, report

app = create_app("usage")


class Account(NamedTuple):
    """Whose usage is told, and under which terms."""

    id: str
    plan: str
    limits: dict[str, int | None]
    time_zone: str


@app.get("/api/usage", response_model=UsageReport)
def usage(
    caller: AnyCaller,
    start: Annotated[str | None, Query(alias="from", description="First day or time; this month unless told.")] = None,
    end: Annotated[str | None, Query(alias="to", description="Last day, or the time before which it ends.")] = None,
    group_by: GroupBy = "day",
    tenant_id: Annotated[str | None, Query(description="Whose usage; only the operator names it.")] = None,
) -> dict[str, Any]:
    whose = _account(caller, tenant_id)
    return report(
        services().usage,
        services().meter,
        whose.id,
        plan_name=whose.plan,
        limits=whose.limits,
        now=utc_now(),
        start=moment(start),
        end=moment(end, closing=True),
        group_by=group_by,
        time_zone=whose.time_zone,
    )


def _account(caller: Caller, named: str | None) -> Account:
    """Return whose usage is meant: the caller's own, or for the operator the tenant's that is named."""
    if caller.tenant_id:
        if named not in (None, caller.tenant_id):
            raise Forbidden("Only the operator names a tenant. Leave tenant_id out.")
        return Account(caller.tenant_id, caller.plan, dict(caller.limits), caller.time_zone)
    if not named:
        raise Invalid("The operator uses nothing here. Name the tenant_id whose usage you mean.")
    tenant = services().tenants.get(named)
    return Account(tenant.id, tenant.plan, tenant.limits, tenant.time_zone)


handler = lambda_handler(app)
