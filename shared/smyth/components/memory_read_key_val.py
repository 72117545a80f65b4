"""MemoryReadKeyVal: recall one value."""

from __future__ import annotations

from typing import Any

from smyth.components import _memory as memory
from smyth.components.base import Call, Component, Port


class Settings(memory.KeySettings):
    """Settings of MemoryReadKeyVal."""


class MemoryReadKeyVal(Component):
    """Gives the text that was kept under a key; nothing goes on where there is none (compat README, quirk 71)."""

    name = "MemoryReadKeyVal"
    title = "Memory Read"
    summary = "Recalls one value by its key."
    Settings = Settings
    inputs = (Port("Key", "Text", "Stands in the settings as {{Key}}.", optional=True),)
    outputs = (Port("Value", "Any", "The text; absent when there is none."),)
    custom_inputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Read."""
        found = await memory.find(call)
        return {"Value": found.value} if found else dict(memory.NOT_FOUND)
