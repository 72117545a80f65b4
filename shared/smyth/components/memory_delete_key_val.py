"""MemoryDeleteKeyVal: forget one value."""

from __future__ import annotations

from typing import Any

from smyth.components import _memory as memory
from smyth.components.base import Call, Component, Port


class Settings(memory.KeySettings):
    """Settings of MemoryDeleteKeyVal."""


class MemoryDeleteKeyVal(Component):
    """Drops what was kept under a key, if this run may read it (compat README, quirk 71)."""

    name = "MemoryDeleteKeyVal"
    title = "Memory Delete"
    summary = "Forgets one value by its key."
    Settings = Settings
    inputs = (Port("Key", "Text", "Stands in the settings as {{Key}}.", optional=True),)
    outputs = (Port("Key", "Text", "The key that was deleted; absent when there was none."),)
    custom_inputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Look, and delete."""
        found = await memory.find(call)
        if found is None:
            return dict(memory.NOT_FOUND)
        await call.run.ports.memory.delete(call.run.agent_id, found.memory, found.key)
        return {"Key": found.key, "deleted": True}
