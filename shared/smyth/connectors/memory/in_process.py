"""Memory that ends with its process: tests, and agents called from Python."""

from __future__ import annotations

import time
from collections.abc import Callable

from smyth.connectors.memory.port import Entry, check

_FIRST_SWEEP = 1_000


class InProcessMemory:
    """A :class:`~smyth.connectors.memory.port.KeyValueMemory` in a dictionary."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._entries: dict[tuple[str, str, str], Entry] = {}
        self._sweep_at = _FIRST_SWEEP

    async def read(self, agent_id: str, memory: str, key: str) -> Entry | None:
        """See :meth:`smyth.connectors.memory.port.KeyValueMemory.read`."""
        return self._entries.get((agent_id, memory, key))

    async def write(self, agent_id: str, entries: list[Entry]) -> None:
        """See :meth:`smyth.connectors.memory.port.KeyValueMemory.write`."""
        check(entries)
        for entry in entries:
            self._entries[agent_id, entry.memory, entry.key] = entry
        if len(self._entries) >= self._sweep_at:
            self._sweep()

    async def delete(self, agent_id: str, memory: str, key: str) -> None:
        """See :meth:`smyth.connectors.memory.port.KeyValueMemory.delete`."""
        self._entries.pop((agent_id, memory, key), None)

    def _sweep(self) -> None:
        """Drop what is forgotten; seldom enough that a write costs the same on average, however many entries."""
        now = self._clock()
        self._entries = {place: entry for place, entry in self._entries.items() if entry.expires_at > now}
        self._sweep_at = max(_FIRST_SWEEP, 2 * len(self._entries))
