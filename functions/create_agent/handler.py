"""Make an agent from fields."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from pydantic import Field

from smyth.http.agents import summary
from smyth.http.answers.agents import ChangedAgent
from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import TenantCaller
from smyth.http.idempotency import Seed, once
from smyth.http.services import services
from smyth.platform.acl import Access, Asker, owned
from smyth.platform.agent_fields import NewAgent
from smyth.platform.ids import AGENT

app = create_app("create an agent")


class NewAgentOfMine(NewAgent):
    """What an agent is made from, and who may do what with it besides its maker."""

    access: Access | None = Field(default=None, description="Makes you its owner; left out, the team owns it.")


@app.post("/api/agents/create", status_code=201, response_model=ChangedAgent)
async def create(request: Request, caller: TenantCaller, fields: NewAgentOfMine) -> Response:
    access = None if fields.access is None else owned(fields.access, Asker.of(caller))
    limit = services().meter.terms(caller.plan, dict(caller.limits))[1].agents

    def make(seed: Seed) -> dict[str, Any]:
        agent, warnings = services().agents.create(
            caller.tenant_id, fields, by=caller.key_id, limit=limit, agent_id=f"{AGENT}-{seed.ulid}", access=access
        )
        return summary(agent) | {"warnings": warnings}

    return await once(request, caller.tenant_id, make)


handler = lambda_handler(app)
