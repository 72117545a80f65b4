"""The port to other agents: their documents, by id and version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from smyth.document.model import Document

#: The version that the author works on.
DEVELOPMENT = "dev-latest"
#: The version that callers get, where the agent is deployed.
DEPLOYED = "prod-latest"


class AccessDenied(PermissionError):
    """There is such an agent, but the one that asks may not read it."""


class AgentDirectory(Protocol):
    """Agents of the team that a run belongs to."""

    async def document(self, agent_id: str, version: str, *, asked_by: str) -> Document | None:
        """Return an agent's document, or None where there is no such agent or version.

        Args:
            agent_id: Which agent.
            version: ``DEVELOPMENT``, ``DEPLOYED``, or a version's own name.
            asked_by: The agent that wants to use it.

        Raises:
            AccessDenied: That agent may not read it.
        """
        ...

    async def is_deployed(self, agent_id: str) -> bool:
        """Tell whether the agent has a deployed version."""
        ...
