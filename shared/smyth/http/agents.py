"""How agents look in answers."""

from __future__ import annotations

from typing import Any

from smyth.platform.acl import OF_TEAM
from smyth.platform.agent_records import Agent, Version
from smyth.platform.times import rfc3339


def summary(agent: Agent) -> dict[str, Any]:
    """Return an agent as lists show it."""
    return {
        "id": agent.id,
        "name": agent.name,
        "slug": agent.slug,
        "description": agent.description,
        "model": agent.model or None,
        "version": agent.version,
        "published_version": agent.published_version,
        "access": agent.access or dict(OF_TEAM),
        "created_at": rfc3339(agent.created_at),
        "updated_at": rfc3339(agent.updated_at),
    }


def version_view(agent: Agent, version: Version) -> dict[str, Any]:
    """Return a version as lists show it."""
    return {
        "version": version.number,
        "sha256": version.sha256,
        "published": version.number == agent.published_version,
        "created_at": rfc3339(version.created_at),
        "created_by": version.created_by,
    }
