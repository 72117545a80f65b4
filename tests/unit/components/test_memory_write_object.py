"""MemoryWriteObject."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smyth.components.base import ComponentError
from smyth.connectors.memory.port import MAX_ENTRIES, MemoryLimit
from smyth.connectors.ports import Ports

SETTINGS = {"memoryName": "m", "scope": "ttl"}


async def test_members_become_the_texts_that_javascript_prints(outputs_of: Callable[..., Any]) -> None:
    ports = Ports()
    data = {"a": 1, "b": "two", "c": {"x": 1}, "d": [1, 2], "e": None, "f": True}
    outputs = await outputs_of("MemoryWriteObject", SETTINGS, {"Data": data}, ports=ports)
    assert outputs == {"Keys": ["a", "b", "c", "d", "e", "f"], "Count": 6}
    kept = [await ports.memory.read("agt-1", "m", key) for key in data]
    assert [entry.value for entry in kept if entry] == ["1", "two", "[object Object]", "1,2", "null", "true"]


async def test_an_object_may_come_as_text(outputs_of: Callable[..., Any]) -> None:
    outputs = await outputs_of("MemoryWriteObject", SETTINGS, {"Data": ' {"z": "from text"}'})
    assert outputs == {"Keys": ["z"], "Count": 1}


async def test_an_empty_object_writes_nothing(outputs_of: Callable[..., Any]) -> None:
    assert await outputs_of("MemoryWriteObject", SETTINGS, {"Data": {}}) == {"Keys": [], "Count": 0}


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ([1], "Data must be a valid JSON object"),
        (5, "Data must be a valid JSON object"),
        (None, "Data must be a valid JSON object"),
        ('"text"', "Data must be a valid JSON object"),
        ("x", "Invalid JSON data provided"),
        ("[" * 100_000, "Invalid JSON data provided"),
    ],
)
async def test_anything_else_is_an_error(outputs_of: Callable[..., Any], data: Any, told: str) -> None:
    with pytest.raises(ComponentError, match=told):
        await outputs_of("MemoryWriteObject", SETTINGS, {"Data": data})


async def test_too_many_members_are_refused(outputs_of: Callable[..., Any]) -> None:
    with pytest.raises(MemoryLimit, match="entries"):
        await outputs_of("MemoryWriteObject", SETTINGS, {"Data": {str(n): n for n in range(MAX_ENTRIES + 1)}})
