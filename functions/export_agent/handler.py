"""The ``.smyth`` file of an agent, as it came in."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response

from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import TenantCaller
from smyth.http.services import services

app = create_app("export an agent")


@app.get("/api/agents/{agent_id}/export", response_model=dict[str, Any])
def export(
    caller: TenantCaller, agent_id: str, version: Annotated[int | None, Query(ge=1, le=999_999)] = None
) -> Response:
    agents = services().agents
    agent = agents.get(caller.tenant_id, agent_id)
    headers = {"content-disposition": f'attachment; filename="{agent.slug}.smyth"'}
    return Response(agents.source(agent, version), media_type="application/json", headers=headers)


handler = lambda_handler(app)
