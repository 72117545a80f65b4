"""Agents as models: how they are named, listed and found."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from smyth.http.caller import Caller
from smyth.http.openai.errors import unknown_model
from smyth.http.services import services
from smyth.platform.acl import Asker
from smyth.platform.agent_records import Agent
from smyth.platform.errors import Forbidden, NotFound

#: Words for the version that callers get, and for the newest (SURFACES section 3.1).
_PUBLISHED = {"", "latest", "prod", "production", "stable"}
_NEWEST = {"dev", "develop", "development", "test", "staging"}
_PAGE = 100


@dataclass(frozen=True, slots=True)
class Served:
    """An agent in the version that a request names."""

    agent: Agent
    version: int


async def find(caller: Caller, model: str) -> Served:
    """Return the agent that ``model`` names by slug or id, ``@version`` behind it.

    Raises:
        Problem: 404, it is none that the caller may use.
    """
    name, _, wanted = model.partition("@")
    try:
        agent = await asyncio.to_thread(services().agents.find, caller.tenant_id, name, Asker.of(caller))
    except (NotFound, Forbidden):
        raise unknown_model(model) from None
    if caller.agents and agent.id not in caller.agents:
        raise unknown_model(model)
    if wanted.lower() in _PUBLISHED:
        return Served(agent, agent.published_version or agent.version)
    if wanted.lower() in _NEWEST:
        return Served(agent, agent.version)
    if not wanted.isdecimal() or not 1 <= int(wanted[:9]) <= agent.version:
        raise unknown_model(model)
    return Served(agent, int(wanted))


def listed(caller: Caller) -> list[dict[str, Any]]:
    """Return all agents that the caller may use, newest first."""
    found: list[Agent] = []
    place = ""
    while True:
        page, place = services().agents.search(
            caller.tenant_id, Asker.of(caller), limit=_PAGE, after=place, only=caller.agents
        )
        found += page
        if not place:
            return [view(agent, agent.slug) for agent in found]


def view(agent: Agent, name: str) -> dict[str, Any]:
    """Return an agent as a model with the name that it was asked for by."""
    return {
        "id": name,
        "object": "model",
        "created": int(agent.created_at.timestamp()),
        "owned_by": agent.tenant_id,
        "agent_id": agent.id,
        "name": agent.name,
    }
