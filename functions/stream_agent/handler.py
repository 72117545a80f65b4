"""POST /api/agents/{agent_id}/stream: a prompt or a turn of a chat, told as Server-Sent Events.

Served as a web app (``app``) wherever answers can be streamed; ``handler`` answers whole.
"""

from __future__ import annotations

from fastapi import Request, Response

from smyth.http.app import create_app, lambda_handler
from smyth.http.billing import admit
from smyth.http.caller import TenantCaller
from smyth.http.event_stream import open_stream
from smyth.http.turns import StreamAsk

app = create_app("stream_agent")


@app.post("/api/agents/{agent_id}/stream")
async def stream_agent(request: Request, caller: TenantCaller, agent_id: str, ask: StreamAsk) -> Response:
    charge = await admit(request, caller, agent_id=agent_id)
    return charge.replay or await open_stream(caller, agent_id, ask, charge)


handler = lambda_handler(app)
