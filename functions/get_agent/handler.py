"""One agent, and its versions."""

from __future__ import annotations

from typing import Any

from smyth.http.agent_details import details
from smyth.http.agents import version_view
from smyth.http.answers.agents import AgentDetails, AgentVersion
from smyth.http.answers.page import Page
from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import TenantCaller
from smyth.http.paging import Cursor, Limit, page, read_cursor
from smyth.http.services import services
from smyth.platform.acl import Asker

app = create_app("read an agent")


@app.get("/api/agents/{agent_id}", response_model=AgentDetails)
def read(caller: TenantCaller, agent_id: str) -> dict[str, Any]:
    agents = services().agents
    agent = agents.get(caller.tenant_id, agent_id, Asker.of(caller))
    return details(agent, agents.document(agent))


@app.get("/api/agents/{agent_id}/versions", response_model=Page[AgentVersion])
def versions(caller: TenantCaller, agent_id: str, limit: Limit = 20, cursor: Cursor = "") -> dict[str, Any]:
    before = read_cursor(cursor, lambda text: text.isascii() and text.isdigit() and len(text) < 10)
    agent, found, place = services().agents.versions(
        caller.tenant_id, agent_id, limit=limit, before=int(before) if before else None, asker=Asker.of(caller)
    )
    return page([version_view(agent, version) for version in found], str(place or ""))


handler = lambda_handler(app)
