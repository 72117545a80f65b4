"""The agents of one tenant, as its other agents see them."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from smyth.connectors.agents.port import DEPLOYED, DEVELOPMENT, AccessDenied
from smyth.platform.acl import Asker
from smyth.platform.errors import Forbidden, NotFound

if TYPE_CHECKING:
    from smyth.document import Document
    from smyth.platform.agents import Agents

_NUMBER = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


class TenantAgents:
    """An :class:`~smyth.connectors.agents.port.AgentDirectory`: deployed is what is published.

    The agents of other tenants are as unknown as those that do not exist.
    """

    def __init__(self, agents: Agents, tenant_id: str) -> None:
        self._agents = agents
        self._tenant_id = tenant_id

    async def document(self, agent_id: str, version: str, *, asked_by: str) -> Document | None:
        """See :meth:`smyth.connectors.agents.port.AgentDirectory.document`."""
        return await asyncio.to_thread(self._document, agent_id, version, Asker.agent(asked_by))

    async def is_deployed(self, agent_id: str) -> bool:
        """See :meth:`smyth.connectors.agents.port.AgentDirectory.is_deployed`."""
        try:
            agent = await asyncio.to_thread(self._agents.get, self._tenant_id, agent_id)
        except NotFound:
            return False
        return agent.published_version is not None

    def _document(self, agent_id: str, version: str, asker: Asker) -> Document | None:
        try:
            agent = self._agents.get(self._tenant_id, agent_id, asker)
            if version == DEVELOPMENT:
                number = agent.version
            elif version == DEPLOYED and agent.published_version is not None:
                number = agent.published_version
            elif _NUMBER.fullmatch(version):
                number = int(version)
            else:
                return None
            return self._agents.warm_plan(agent, number).document
        except NotFound:
            return None
        except Forbidden as error:
            raise AccessDenied(error.detail) from None
