"""The vault ports: secrets that agents may read, and writing them, which no agent may."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class Vault(Protocol):
    """Secrets of teams."""

    async def get(self, team_id: str, name: str) -> str | None:
        """Return the secret ``name`` of the team, or None where there is none."""
        ...

    def of_agent(self, agent_id: str) -> Vault:
        """Return the vault as one agent sees it: with the secrets that are for named agents only."""
        ...


class VaultWriter(Protocol):
    """Secrets of teams, for whoever looks after them."""

    def names(self, team_id: str) -> Iterable[str]:
        """Return the names of the team's secrets, in order."""
        ...

    def put(self, team_id: str, name: str, value: str) -> None:
        """Write a secret, replacing the one that has its name."""
        ...

    def delete(self, team_id: str, name: str) -> bool:
        """Delete a secret; False when there is none."""
        ...
