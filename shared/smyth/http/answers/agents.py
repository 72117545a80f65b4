"""What answers tell of agents."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from smyth.http.answers.fields import Time


class Finding(TypedDict, total=False):
    """Something to know about a document, and where in it."""

    level: Literal["error", "warning"]
    code: str
    message: str
    path: str
    component_id: str
    port: str
    connection: int


class Agent(BaseModel):
    """An agent as lists show it."""

    id: str
    name: str
    slug: str
    description: str
    model: str | None
    version: int
    published_version: int | None
    access: dict[str, list[str]] = Field(description="Who may do what, by candidate; docs/access.md.")
    created_at: Time
    updated_at: Time


class ChangedAgent(Agent):
    """An agent after a change, with what should be known about its document."""

    warnings: list[Finding]


class Endpoint(BaseModel):
    """What an agent can be called with under ``/run/``."""

    method: str
    endpoint: str


class AgentDetails(Agent):
    """An agent with what its document says."""

    behavior: str
    variables: dict[str, Any]
    guardrails: Any = Field(description="Rules for what is said, as the document has them; null where there are none.")
    memory: Any = Field(description="How chats are remembered, as the document has it; null for the usual way.")
    components: int = Field(description="How many.")
    endpoints: list[Endpoint]


class AgentVersion(BaseModel):
    """A version of an agent's document."""

    version: int
    sha256: str
    published: bool
    created_at: Time
    created_by: str
