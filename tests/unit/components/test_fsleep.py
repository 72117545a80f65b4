"""FSleep."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from smyth.components.fsleep import seconds
from smyth.connectors.ports import Ports
from smyth.engine import Limits
from tests.unit.engine.workflows import call, endpoint, part, plan


async def test_it_passes_its_input_on_after_the_delay(outputs_of: Callable[..., Any]) -> None:
    waited: list[float] = []

    async def sleep(time: float) -> None:
        waited.append(time)

    assert await outputs_of("FSleep", {"delay": "3"}, {"Input": {"a": 1}}, ports=Ports(sleep=sleep)) == {
        "Output": {"a": 1}
    }
    assert waited == [3]


async def test_without_input_there_is_no_output(outputs_of: Callable[..., Any]) -> None:
    assert await outputs_of("FSleep", {"delay": "no"}) == {}


@pytest.mark.parametrize(
    ("delay", "expected"),
    [(0, 1), (None, 1), ("", 1), (2, 2), (2.9, 2), ("2.9", 2), (" 4 s", 4), ("0", 0), ("abc", 0), (-5, 0), ("1e3", 1)],
)
def test_delays_are_read_as_the_original_reads_them(delay: Any, expected: int) -> None:
    assert seconds(delay) == expected


async def test_the_runs_time_limit_ends_a_sleep() -> None:
    asleep = asyncio.Event()

    async def sleep(time: float) -> None:
        asleep.set()
        await asyncio.sleep(time)

    agent = plan(
        endpoint("v"),
        part("S", "FSleep", {"delay": 3_600}, inputs=("Input",), outputs=("Output!",)),
        wires=("E.body.v > S.Input",),
    )
    answer = await call(agent, {"v": "x"}, limits=Limits(seconds=0.2), ports=Ports(sleep=sleep))
    assert asleep.is_set()
    assert "after 0.2 seconds" in answer["error"]
