"""Agents given as documents: tests, recorded cases, and programs that load them from files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from smyth.connectors.agents.port import DEPLOYED, DEVELOPMENT

if TYPE_CHECKING:
    from smyth.document.model import Document


class MemoryAgents:
    """One document per agent, deployed and in development at once, as in the original's folder of agents."""

    def __init__(self, documents: Iterable[Document] = ()) -> None:
        self._documents = {document.id: document for document in documents if document.id}

    async def document(self, agent_id: str, version: str, *, asked_by: str) -> Document | None:
        """See :meth:`smyth.connectors.agents.port.AgentDirectory.document`."""
        document = self._documents.get(agent_id)
        if document is None or version in (DEVELOPMENT, DEPLOYED):
            return document
        return document if version == (document.model_extra or {}).get("agentVersion") else None

    async def is_deployed(self, agent_id: str) -> bool:
        """See :meth:`smyth.connectors.agents.port.AgentDirectory.is_deployed`."""
        return agent_id in self._documents
