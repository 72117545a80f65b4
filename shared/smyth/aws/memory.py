"""What agents remember, in the table.

============  ===============================  ==========================================
item          partition                        sort key
============  ===============================  ==========================================
entry         ``T#<tenant>#A#<agent>#MEMORY``  SHA-256 of the memory's name and the key
============  ===============================  ==========================================

Names and keys are hashed, for together they may be longer than a sort key. The value is
kept as bytes: agents write halves of characters too, which are no text to the table.
"""

from __future__ import annotations

import asyncio
import hashlib

from smyth.aws.table import Item, Table, delete, key, put
from smyth.connectors.memory.port import Entry, check


class DynamoMemory:
    """A tenant's :class:`~smyth.connectors.memory.port.KeyValueMemory`."""

    def __init__(self, table: Table, tenant_id: str) -> None:
        self._table = table
        self._tenant_id = tenant_id

    async def read(self, agent_id: str, memory: str, key: str) -> Entry | None:
        """See :meth:`smyth.connectors.memory.port.KeyValueMemory.read`."""
        place = self._place(agent_id, memory, key)
        item = await asyncio.to_thread(self._table.get, place["pk"], place["sk"])
        if item is None:
            return None
        value = item["value"].decode("utf-8", "surrogatepass")
        return Entry(memory, key, value, item["scope"], item["owner"], item["expires_at"])

    async def write(self, agent_id: str, entries: list[Entry]) -> None:
        """See :meth:`smyth.connectors.memory.port.KeyValueMemory.write`."""
        check(entries)
        last = {(entry.memory, entry.key): entry for entry in entries}
        items = [self._item(agent_id, entry) for entry in last.values()]
        if len(items) == 1:
            await asyncio.to_thread(self._table.write, put(items[0]))
        elif items:
            await asyncio.to_thread(self._table.put_many, items)

    async def delete(self, agent_id: str, memory: str, key: str) -> None:
        """See :meth:`smyth.connectors.memory.port.KeyValueMemory.delete`."""
        await asyncio.to_thread(self._table.write, delete(self._place(agent_id, memory, key)))

    def _item(self, agent_id: str, entry: Entry) -> Item:
        return self._place(agent_id, entry.memory, entry.key) | {
            "value": entry.value.encode("utf-8", "surrogatepass"),
            "scope": entry.scope,
            "owner": entry.owner,
            "expires_at": entry.expires_at,
        }

    def _place(self, agent_id: str, memory: str, name: str) -> Item:
        # The length stands between the two, so that no other pair makes the same text.
        said = f"{len(memory)}#{memory}{name}".encode("utf-8", "surrogatepass")
        return key(f"T#{self._tenant_id}#A#{agent_id}#MEMORY", hashlib.sha256(said).hexdigest())
