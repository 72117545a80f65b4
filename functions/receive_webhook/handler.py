"""Webhooks from outside. Public: each message proves by itself who sent it, and starts its agent through the queue."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse

from smyth.components.base import Request as AgentRequest
from smyth.http.answers.webhooks import Accepted
from smyth.http.app import create_app, lambda_handler
from smyth.http.problems import Problem
from smyth.http.services import services
from smyth.platform.component_calls import WHATS_APP
from smyth.platform.deliveries import MAX_PAYLOAD_BYTES

app = create_app("webhooks", max_body_bytes=MAX_PAYLOAD_BYTES)


@app.post("/hooks/{trigger_id}", status_code=202, response_model=Accepted)
async def receive(request: Request, trigger_id: str) -> dict[str, Any]:
    body = await request.body()
    name = await asyncio.to_thread(services().webhooks.receive, trigger_id, dict(request.headers), body)
    return {"accepted": True, "delivery_id": name}


@app.post("/trigger/{agent_id}/{endpoint}", status_code=202, response_model=Accepted)
async def call_component(request: Request, agent_id: str, endpoint: str) -> dict[str, Any]:
    body = await request.body()
    name = await services().component_calls.receive(agent_id, endpoint, dict(request.headers), body)
    return {"accepted": True, "delivery_id": name}


@app.get("/trigger/{agent_id}/{endpoint}", response_class=PlainTextResponse)
async def shake_hands(request: Request, agent_id: str, endpoint: str) -> Response:
    """Answer Meta's question whether this address knows the verify token; nothing else is asked by GET."""
    from smyth.engine import run

    trigger, plan, component = await asyncio.to_thread(services().component_calls.find, agent_id, endpoint)
    if component != WHATS_APP:
        raise Problem(404, "not_found", f'The component "{endpoint}" has no handshake. POST what happened.')
    asked = AgentRequest(method="GET", path=f"/trigger/{endpoint}", query=dict(request.query_params))
    result = await run(plan, asked, ports=services().ports(trigger.tenant_id))
    if result.status is None:
        raise Problem(409, "conflict", "The component cannot read its verify token. Set it as {{KEY(name)}}.")
    return PlainTextResponse(str(result.data), status_code=result.status)


handler = lambda_handler(app)
