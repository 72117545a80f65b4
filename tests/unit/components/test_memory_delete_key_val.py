"""MemoryDeleteKeyVal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smyth.connectors.memory.port import Entry
from smyth.connectors.ports import Ports

SETTINGS = {"memoryName": "m", "key": "{{Key}}"}
ENTRY = Entry("m", "x y", "v", "session", "s1", 9_999_999_999)


async def test_a_deleted_entry_is_gone(outputs_of: Callable[..., Any]) -> None:
    ports = Ports()
    await ports.memory.write("agt-1", [ENTRY])
    deleted = await outputs_of("MemoryDeleteKeyVal", SETTINGS, {"Key": "x y"}, ports=ports, session_id="s1")
    assert deleted == {"Key": "x y", "deleted": True}
    assert await ports.memory.read("agt-1", "m", "x y") is None
    again = await outputs_of("MemoryDeleteKeyVal", SETTINGS, {"Key": "x y"}, ports=ports, session_id="s1")
    assert again == {"_warning": "key not found"}


async def test_another_sessions_entry_stays(outputs_of: Callable[..., Any]) -> None:
    ports = Ports()
    await ports.memory.write("agt-1", [ENTRY])
    outputs = await outputs_of("MemoryDeleteKeyVal", SETTINGS, {"Key": "x y"}, ports=ports, session_id="s2")
    assert outputs == {"_warning": "key not found"}
    assert await ports.memory.read("agt-1", "m", "x y") == ENTRY
