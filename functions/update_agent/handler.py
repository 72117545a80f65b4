"""Change an agent: by fields or as a whole document; publish a version."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from smyth.http.agents import summary
from smyth.http.answers import Agent, ChangedAgent
from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import TenantCaller
from smyth.http.services import services
from smyth.platform.agent_documents import change
from smyth.platform.agent_fields import AgentFields

app = create_app("change an agent")


class Changes(AgentFields):
    """Fields, or a whole document, or both: then the fields are set in the new document."""

    document: dict[str, Any] | None = None


class Publication(BaseModel):
    """Which version callers get."""

    model_config = ConfigDict(extra="forbid")

    version: int | None = Field(default=None, ge=1, le=999_999)


@app.patch("/api/agents/{agent_id}", response_model=ChangedAgent)
def update(caller: TenantCaller, agent_id: str, changes: Changes) -> dict[str, Any]:
    def edit(source: dict[str, Any]) -> dict[str, Any]:
        return change(source if changes.document is None else changes.document, changes)

    agent, warnings = services().agents.edit(caller.tenant_id, agent_id, edit, by=caller.key_id)
    return summary(agent) | {"warnings": warnings}


@app.post("/api/agents/{agent_id}/publish", response_model=Agent)
def publish(caller: TenantCaller, agent_id: str, publication: Publication | None = None) -> dict[str, Any]:
    number = publication.version if publication else None
    return summary(services().agents.publish(caller.tenant_id, agent_id, number))


handler = lambda_handler(app)
