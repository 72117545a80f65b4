"""A vault held in memory: tests, the laptop's run command, and the empty default."""

from __future__ import annotations

from collections.abc import Mapping

#: The team whose secrets every other team may read, as in the original's vault file.
SHARED_TEAM = "default"


class MemoryVault:
    """Secrets given as ``{team: {name: value}}``; a team without the name reads the shared team's."""

    def __init__(self, secrets: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self._secrets = secrets or {}

    async def get(self, team_id: str, name: str) -> str | None:
        """See :meth:`smyth.connectors.vault.port.Vault.get`."""
        for team in (team_id, SHARED_TEAM):
            value = self._secrets.get(team, {}).get(name)
            if value is not None:
                return value
        return None

    def of_agent(self, agent_id: str) -> MemoryVault:
        """See :meth:`smyth.connectors.vault.port.Vault.of_agent`; here every secret is for all agents."""
        return self
