"""The tenant's agents, newest first."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from smyth.http.agents import summary
from smyth.http.answers.agents import Agent
from smyth.http.answers.page import Page
from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import TenantCaller
from smyth.http.paging import Cursor, Limit, page, read_cursor
from smyth.http.services import services
from smyth.platform.acl import Asker
from smyth.platform.ids import AGENT, is_id

app = create_app("list agents")


@app.get("/api/agents", response_model=Page[Agent])
def list_agents(
    caller: TenantCaller,
    q: Annotated[str, Query(max_length=200, description="Text in name or description.")] = "",
    limit: Limit = 20,
    cursor: Cursor = "",
) -> dict[str, Any]:
    after = read_cursor(cursor, lambda text: is_id(AGENT, text))
    found, place = services().agents.search(
        caller.tenant_id, Asker.of(caller), q=q, limit=limit, after=after, only=caller.agents
    )
    return page([summary(agent) for agent in found], place)


handler = lambda_handler(app)
