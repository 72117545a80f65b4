"""What the tenant used, and what is left of its plan."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from smyth.http.answers import UsageReport
from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import TenantCaller
from smyth.http.services import services
from smyth.platform.times import utc_now
from smyth.platform.usage import GroupBy, moment, report

app = create_app("usage")


@app.get("/api/usage", response_model=UsageReport)
def usage(
    caller: TenantCaller,
    start: Annotated[str | None, Query(alias="from", description="First day or time; this month unless told.")] = None,
    end: Annotated[str | None, Query(alias="to", description="Last day, or the time before which it ends.")] = None,
    group_by: GroupBy = "day",
) -> dict[str, Any]:
    return report(
        services().usage,
        services().meter,
        caller.tenant_id,
        plan_name=caller.plan,
        limits=dict(caller.limits),
        now=utc_now(),
        start=moment(start),
        end=moment(end, closing=True),
        group_by=group_by,
        time_zone=caller.time_zone,
    )


handler = lambda_handler(app)
