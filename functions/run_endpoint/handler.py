"""An agent's own endpoint: a run of its workflow, billed as one request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fastapi import Request, Response

from smyth.components.base import Request as AgentRequest
from smyth.http.app import create_app, lambda_handler
from smyth.http.billing import Charge, billed
from smyth.http.caller import CREDENTIAL_HEADERS, TenantCaller
from smyth.http.problems import Problem
from smyth.http.run_inputs import read_inputs, session_of
from smyth.http.runs import run_agent
from smyth.http.services import services
from smyth.platform.acl import Asker

if TYPE_CHECKING:
    from smyth.engine import Plan

app = create_app("run an endpoint")


@app.api_route("/api/agents/{agent_id}/run/{endpoint}", methods=["GET", "POST"])
async def run_endpoint(request: Request, caller: TenantCaller, agent_id: str, endpoint: str) -> Response:
    agent, plan = await asyncio.to_thread(services().agents.plan, caller.tenant_id, agent_id, Asker.of(caller))
    _check_endpoint(plan, request.method, endpoint)
    session_id = session_of(request)
    body, files = await read_inputs(request)
    asked = AgentRequest(
        method=request.method,
        path=f"/api/{endpoint}",
        headers={name: value for name, value in request.headers.items() if name not in CREDENTIAL_HEADERS},
        query=dict(request.query_params),
        body=body,
        files=files,
    )

    async def work(charge: Charge) -> Any:
        return await run_agent(request, caller, charge, plan, asked, session_id=session_id)

    return await billed(request, caller, work, agent_id=agent.id)


def _check_endpoint(plan: Plan, method: str, endpoint: str) -> None:
    if (endpoint, method) not in plan.endpoints:
        known = ", ".join(sorted(f"{known_method} {name}" for name, known_method in plan.endpoints)) or "none"
        raise Problem(404, "not_found", f"The agent has no endpoint {method} {endpoint}. Its endpoints: {known}.")


handler = lambda_handler(app)
