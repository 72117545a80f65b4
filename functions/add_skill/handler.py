"""Add callable skills to an agent: a chain of components, or the operations of an HTTP API."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import TenantCaller
from smyth.http.idempotency import Seed, once
from smyth.http.services import services
from smyth.http.settings import settings
from smyth.platform.skills import Added, NewSkill, add_skill

app = create_app("add skill")


@app.post("/api/skills/add", status_code=201)
async def add(request: Request, caller: TenantCaller, skill: NewSkill) -> Response:
    caller.check_agent(skill.agent_id)

    def make(_: Seed) -> dict[str, Any]:
        allow_private = settings().allow_private_http
        return _view(
            add_skill(services().agents, caller.tenant_id, skill, by=caller.key_id, allow_private=allow_private)
        )

    return await once(request, caller.tenant_id, make)


def _view(added: Added) -> dict[str, Any]:
    return {
        "agent_id": added.agent.id,
        "version": added.agent.version,
        "skills": [
            {
                "name": chain.name,
                "method": chain.method,
                "description": chain.description,
                "path": f"/api/agents/{added.agent.id}/run/{chain.name}",
            }
            for chain in added.skills
        ],
        "warnings": added.warnings,
    }


handler = lambda_handler(app)
