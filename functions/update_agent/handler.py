"""Change an agent: by fields or as a whole document; publish a version."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from smyth.http.agents import summary
from smyth.http.answers.agents import Agent, ChangedAgent
from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import TenantCaller
from smyth.http.services import services
from smyth.platform.acl import PUBLIC, Access, Asker, owners_of
from smyth.platform.agent_documents import change
from smyth.platform.agent_fields import AgentFields

app = create_app("change an agent")


class Changes(AgentFields):
    """Fields, or a whole document, or both: then the fields are set in the new document. Or who may do what."""

    document: dict[str, Any] | None = None
    access: Access | None = Field(default=None, description="Who may do what with it, in place of what was; alone.")

    @model_validator(mode="after")
    def _shares_or_changes(self) -> Self:
        if self.access is None:
            return self
        if self.model_fields_set != {"access"}:
            raise ValueError("Send access alone: it makes no version. Send the other members in another request.")
        if not set(owners_of(self.access)) - {PUBLIC}:
            raise ValueError("Nobody would own the agent. Give somebody owner, such as team.")
        return self


class Publication(BaseModel):
    """Which version callers get."""

    model_config = ConfigDict(extra="forbid")

    version: int | None = Field(default=None, ge=1, le=999_999)


@app.patch("/api/agents/{agent_id}", response_model=ChangedAgent)
def update(caller: TenantCaller, agent_id: str, changes: Changes) -> dict[str, Any]:
    asker = Asker.of(caller)
    if changes.access is not None:
        return summary(services().agents.share(caller.tenant_id, agent_id, changes.access, asker=asker)) | {
            "warnings": []
        }

    def edit(source: dict[str, Any]) -> dict[str, Any]:
        return change(source if changes.document is None else changes.document, changes)

    agent, warnings = services().agents.edit(caller.tenant_id, agent_id, edit, by=caller.key_id, asker=asker)
    return summary(agent) | {"warnings": warnings}


@app.post("/api/agents/{agent_id}/publish", response_model=Agent)
def publish(caller: TenantCaller, agent_id: str, publication: Publication | None = None) -> dict[str, Any]:
    number = publication.version if publication else None
    return summary(services().agents.publish(caller.tenant_id, agent_id, number, asker=Asker.of(caller)))


handler = lambda_handler(app)
