"""Add callable skills to an agent: a chain of components, or the operations of an HTTP API."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import TenantCaller
from smyth.http.idempotency import Seed, once
from smyth.http.services import services
from smyth.http.settings import settings
from smyth.platform.acl import Asker
from smyth.platform.skills import Added, NewSkill, add_skill

app = create_app("add skill")


class AddedSkill(BaseModel):
    """A skill, and where it is called."""

    name: str
    method: str
    description: str
    path: str


class AddedSkills(BaseModel):
    """The skills of one request, and the agent's version that has them."""

    agent_id: str
    version: int
    skills: list[AddedSkill]
    warnings: list[dict[str, Any]]


@app.post("/api/skills/add", status_code=201, response_model=AddedSkills)
async def add(request: Request, caller: TenantCaller, skill: NewSkill) -> Response:
    caller.check_agent(skill.agent_id)

    def make(_: Seed) -> dict[str, Any]:
        private = settings().allow_private_http
        added = add_skill(
            services().agents,
            caller.tenant_id,
            skill,
            by=caller.key_id,
            asker=Asker.of(caller),
            allow_private=private,
        )
        return _view(added).model_dump()

    return await once(request, caller.tenant_id, make)


def _view(added: Added) -> AddedSkills:
    runs = f"/api/agents/{added.agent.id}/run"
    skills = [
        AddedSkill(name=one.name, method=one.method, description=one.description, path=f"{runs}/{one.name}")
        for one in added.skills
    ]
    return AddedSkills(agent_id=added.agent.id, version=added.agent.version, skills=skills, warnings=added.warnings)


handler = lambda_handler(app)
