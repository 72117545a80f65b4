"""The vault as agents read it: a tenant's credentials, kept for a minute in a warm function."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from smyth.aws.vault import Envelope, SecretsVault, data_key
from smyth.platform.acl import TEAM, Asker
from smyth.platform.credential_records import Credential
from smyth.platform.times import Clock, utc_now

logger = logging.getLogger(__name__)

_KEEP_SECONDS = 60.0
_MOST_TENANTS = 200
#: Asks for what all agents of the tenant may use, such as the keys of models.
_ALL_AGENTS = Asker(TEAM)


@dataclass(frozen=True, slots=True)
class _Kept:
    until: float
    records: Mapping[str, Credential]
    #: By number: the version, and what it holds.
    envelopes: Mapping[str, tuple[str, Envelope]]

    def value(self, name: str) -> str | None:
        record = self.records.get(name)
        if record is None:
            return None
        found = (content["entries"].get(name) for _, content in self.envelopes.values())
        return next((entry.get(str(record.current)) for entry in found if entry), None)


class KeptVaults:
    """What a function has read of tenants' vaults, for all of its requests."""

    def __init__(
        self, store: SecretsVault, *, clock: Clock = utc_now, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        """Make it empty.

        Args:
            store: Where to read.
            clock: Tells the day of a use.
            ticks: Tells how long something has been kept.
        """
        self._store = store
        self._now = clock
        self._ticks = ticks
        self._kept: dict[str, _Kept] = {}
        self._noted: set[tuple[str, str, str]] = set()
        self._lock = threading.Lock()

    async def value(self, tenant_id: str, name: str, asker: Asker) -> str | None:
        """Return a credential's current value; None where there is none for the asker."""
        kept = await self._of(tenant_id)
        record = kept.records.get(name)
        if record is None or not asker.may("read", record.access):
            return None
        value = kept.value(name)
        if value is None:  # Its record and its secret were read on two sides of a change.
            kept = await asyncio.to_thread(self._read, tenant_id, anew=True)
            value = kept.value(name)
        if value is not None:
            await self._note(tenant_id, record)
        return value

    async def data_key(self, tenant_id: str) -> bytes | None:
        """Return what the tenant's fetched tokens are sealed with; None where the tenant has no secrets yet."""
        kept = await self._of(tenant_id)
        return data_key({number: content for number, (_, content) in kept.envelopes.items()})

    async def _of(self, tenant_id: str) -> _Kept:
        kept = self._kept.get(tenant_id)
        if kept is not None and self._ticks() < kept.until:
            return kept
        return await asyncio.to_thread(self._read, tenant_id)

    def _read(self, tenant_id: str, *, anew: bool = False) -> _Kept:
        """Read a vault once for all who wait for it; of its secrets only what has changed."""
        with self._lock:
            before = self._kept.get(tenant_id)
            if before is not None and self._ticks() < before.until and not anew:
                return before
            records = {one.name: one for one in self._store.by_name(tenant_id)}
            known = before.envelopes if before else {}
            envelopes = {}
            for number, version in self._store.pointer(tenant_id).versions.items():
                had = known.get(number)
                is_same = had is not None and had[0] == version
                content = had[1] if had and is_same else self._store.envelope(tenant_id, number, version)
                envelopes[number] = (version, content)
            kept = _Kept(self._ticks() + _KEEP_SECONDS, records, envelopes)
            self._kept.pop(tenant_id, None)
            self._kept[tenant_id] = kept
            if len(self._kept) > _MOST_TENANTS:
                del self._kept[next(iter(self._kept))]
            return kept

    async def _note(self, tenant_id: str, record: Credential) -> None:
        """Note the day of the use, once a day; a use must not fail because it cannot be noted."""
        day = self._now().date().isoformat()
        mark = (tenant_id, record.name, day)
        if record.last_used >= day or mark in self._noted:
            return
        if len(self._noted) > 10_000:
            self._noted.clear()
        self._noted.add(mark)
        try:
            await asyncio.to_thread(self._store.note_used, tenant_id, record.name, day)
        except Exception:
            logger.warning("the use of a credential could not be noted", exc_info=True)


class VaultByTenant:
    """A :class:`~smyth.connectors.vault.port.Vault` for what serves all tenants at once, such as the models.

    Here the team is the tenant: plans say so whatever their documents do. Only what all agents may use is there.
    """

    def __init__(self, kept: KeptVaults) -> None:
        self._kept = kept

    async def get(self, team_id: str, name: str) -> str | None:
        """See :meth:`smyth.connectors.vault.port.Vault.get`."""
        return await self._kept.value(team_id, name, _ALL_AGENTS)

    def of_agent(self, agent_id: str) -> VaultByTenant:
        """See :meth:`smyth.connectors.vault.port.Vault.of_agent`; it is nobody's own."""
        return self


class TenantVault:
    """A :class:`~smyth.connectors.vault.port.Vault`: one tenant's, whatever team a document names."""

    def __init__(self, kept: KeptVaults, tenant_id: str, asker: Asker = _ALL_AGENTS) -> None:
        """Make a vault.

        Args:
            kept: What has been read.
            tenant_id: Whose it is.
            asker: For whom; by default only what all agents of the tenant may use is there.
        """
        self._kept = kept
        self._tenant_id = tenant_id
        self._asker = asker

    async def get(self, team_id: str, name: str) -> str | None:
        """See :meth:`smyth.connectors.vault.port.Vault.get`."""
        return await self._kept.value(self._tenant_id, name, self._asker)

    def of_agent(self, agent_id: str) -> TenantVault:
        """See :meth:`smyth.connectors.vault.port.Vault.of_agent`."""
        return TenantVault(self._kept, self._tenant_id, Asker.agent(agent_id))
