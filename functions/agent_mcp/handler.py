"""An agent as an MCP server: its skills as tools, its files as resources (streamable HTTP, without sessions).

Served as a web app (``app``) wherever answers can be streamed; ``handler`` answers whole.
"""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import Request, Response

from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import TenantCaller
from smyth.http.problems import Problem
from smyth.http.services import services
from smyth.platform.acl import Asker

_MESSAGES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object", "description": "A JSON-RPC message."}}},
    }
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer to a request, as JSON or as events that tell how far a tool is.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "text/event-stream": {"schema": {"type": "string"}},
        },
    },
    202: {"description": "A notification was taken."},
}
_NONE: dict[int | str, dict[str, Any]] = {405: {"description": "There are no sessions."}}

app = create_app("agent_mcp")


@app.post("/api/agents/{agent_id}/mcp", response_class=Response, responses=_ANSWERS, openapi_extra=_MESSAGES)
async def agent_mcp(request: Request, caller: TenantCaller, agent_id: str) -> Response:
    from smyth.http.mcp.exchange import exchange  # The protocol's package takes its time to load.

    agent, plan = await asyncio.to_thread(services().agents.plan, caller.tenant_id, agent_id, Asker.of(caller))
    return await exchange(request, caller, agent, plan)


@app.get("/api/agents/{agent_id}/mcp", response_class=Response, status_code=405, responses=_NONE)
@app.delete("/api/agents/{agent_id}/mcp", response_class=Response, status_code=405, responses=_NONE)
async def no_session(agent_id: str) -> Response:
    detail = "This MCP server has no sessions and sends nothing by itself. Send each message with POST."
    raise Problem(405, "method_not_allowed", detail, headers={"allow": "POST"})


handler = lambda_handler(app)
