"""The vault port: secrets that agents may read and never write."""

from __future__ import annotations

from typing import Protocol


class Vault(Protocol):
    """Secrets of teams."""

    async def get(self, team_id: str, name: str) -> str | None:
        """Return the secret ``name`` of the team, or None where there is none."""
        ...
