"""POST /api/agents/{agent_id}/stream: a prompt or a turn of a chat, told as Server-Sent Events.

Served as a web app (``app``) wherever answers can be streamed; ``handler`` answers whole.
"""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from smyth.http.app import create_app, lambda_handler
from smyth.http.asks import StreamAsk
from smyth.http.billing import admit
from smyth.http.caller import TenantCaller
from smyth.http.event_stream import open_stream

_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "JSON objects of type start, content, thinking, tool_call, tool_result, guardrail, usage, end, "
        "error.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}

app = create_app("stream_agent")


@app.post("/api/agents/{agent_id}/stream", response_class=StreamingResponse, responses=_EVENTS)
async def stream_agent(request: Request, caller: TenantCaller, agent_id: str, ask: StreamAsk) -> Response:
    charge = await admit(request, caller, agent_id=agent_id)
    return charge.replay or await open_stream(caller, agent_id, ask, charge)


handler = lambda_handler(app)
