"""Which secrets a run came to know, to take them out of what is told of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from smyth.connectors.vault.port import Vault

HIDDEN = "***"


class KnownSecrets:
    """A vault that remembers what it answered.

    A run is given it in place of its vault, so that no component needs to think of it.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    async def get(self, team_id: str, name: str) -> str | None:
        """See :meth:`smyth.connectors.vault.port.Vault.get`."""
        value = await self._vault.get(team_id, name)
        if value and value.strip() and value not in self._forms:
            self._forms.update(_forms(value))
            # The longest first: a secret may be the beginning of another.
            longest_first = sorted(self._forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))
        return value

    def of_agent(self, agent_id: str) -> Vault:
        """Return the vault as another agent sees it, whose own run remembers what it answers."""
        return self._vault.of_agent(agent_id)

    def hide(self, text: str) -> str:
        """Return ``text`` without the secrets, also where a template, JSON or an address wrote them its own way."""
        return self._pattern.sub(HIDDEN, text) if self._pattern else text


def _forms(value: str) -> Iterator[str]:
    yield value
    yield value.strip()
    yield value.replace('"', '\\"')  # in a template (compat README, quirk 23)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield quote(value, safe="")
    yield quote(value)
    yield quote_plus(value)
