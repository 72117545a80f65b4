"""What is recorded of an agent and of each of its versions."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from smyth.platform.acl import Level


class Agent(BaseModel):
    """An agent; ``version`` is its newest."""

    model_config = ConfigDict(frozen=True)

    id: str
    tenant_id: str
    name: str
    #: Another word for the id, from the name; no two agents of a tenant share one.
    slug: str
    #: Whether the slug is claimed; agents of earlier versions claim theirs when they are first listed or looked for.
    slug_claimed: bool = False
    description: str = ""
    model: str = ""
    version: int
    sha256: str
    #: What callers get; the newest while nothing has been published.
    published_version: int | None = None
    #: Who may do what with it, by candidate; None: it is the team's.
    access: dict[str, list[Level]] | None = None
    created_at: datetime
    updated_at: datetime


class Version(BaseModel):
    """One state of an agent's document; never changes."""

    model_config = ConfigDict(frozen=True)

    number: int
    sha256: str
    created_at: datetime
    #: The key that wrote it.
    created_by: str
