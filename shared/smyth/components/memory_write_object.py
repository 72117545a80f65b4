"""MemoryWriteObject: remember every member of an object."""

from __future__ import annotations

import json
from typing import Any

from smyth.components import _memory as memory
from smyth.components.base import Call, Component, ComponentError, Port
from smyth.values import to_text


class Settings(memory.ScopeSettings):
    """Settings of MemoryWriteObject."""


class MemoryWriteObject(Component):
    """Keeps each member of ``Data`` under its name, as the text that JavaScript prints (compat README, quirk 70)."""

    name = "MemoryWriteObject"
    title = "Memory Write Multi"
    summary = "Remembers every member of an object, each by its name."
    Settings = Settings
    inputs = (Port("Data", "Object", "An object, or one as JSON text."),)
    outputs = (
        Port("Keys", "Array", "The keys that were written."),
        Port("Count", "Number", "How many they are."),
    )
    custom_inputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Write all members at once."""
        data = _object(call.inputs.get("Data"))
        run = call.run
        entries = [memory.entry(key, to_text(value), call.settings, run) for key, value in data.items()]
        await run.ports.memory.write(run.agent_id, entries)
        return {"Keys": list(data), "Count": len(data)}


def _object(data: Any) -> dict[str, Any]:
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except (ValueError, RecursionError):
            raise ComponentError("Invalid JSON data provided") from None
    if not isinstance(data, dict):
        raise ComponentError("Data must be a valid JSON object")
    return data
