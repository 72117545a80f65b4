"""MemoryWriteKeyVal: remember one value."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from smyth.components import _memory as memory
from smyth.components._filling import filled
from smyth.components.base import Call, Component, Port


class Settings(memory.KeySettings, memory.ScopeSettings):
    """Settings of MemoryWriteKeyVal."""

    value: str = Field("{{Value}}", max_length=100_000, description="The value; {{name}} stands for an input.")


class MemoryWriteKeyVal(Component):
    """Keeps a text under a key (compat README, quirks 70 and 72)."""

    name = "MemoryWriteKeyVal"
    title = "Memory Write"
    summary = "Remembers one value by its key, for the request, the session, or some time."
    Settings = Settings
    inputs = (
        Port("Key", "Text", "Stands in the settings as {{Key}}.", optional=True),
        Port("Value", "Any", "Stands in the settings as {{Value}}.", optional=True),
    )
    outputs = (Port("Key", "Text", "The key that was written."),)
    custom_inputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Fill key and value, and write."""
        settings: Settings = call.settings
        key = filled(settings.key, call)
        written = memory.entry(key, filled(settings.value, call), settings, call.run)
        await call.run.ports.memory.write(call.run.agent_id, [written])
        return {"Key": key}
