"""MemoryReadKeyVal; who may read is tested with MemoryWriteKeyVal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smyth.connectors.memory.port import Entry
from smyth.connectors.ports import Ports
from tests.unit.engine.workflows import call, endpoint, output, part, plan


async def test_it_gives_the_text_even_if_that_is_empty(outputs_of: Callable[..., Any]) -> None:
    ports = Ports()
    await ports.memory.write("agt-1", [Entry("m", "", "", "ttl", "", 9_999_999_999)])
    outputs = await outputs_of("MemoryReadKeyVal", {"memoryName": "m", "key": "{{k}}"}, {"k": ""}, ports=ports)
    assert outputs == {"Value": ""}


async def test_nothing_goes_on_where_there_is_no_entry() -> None:
    agent = plan(
        endpoint("k"),
        part("R", "MemoryReadKeyVal", {"key": "{{k}}"}, inputs=("k",), outputs=("Value!",)),
        output("v"),
        wires=("E.body.k > R.k", "R.Value > O.v"),
    )
    assert await call(agent, {"k": "nobody"}) == []
