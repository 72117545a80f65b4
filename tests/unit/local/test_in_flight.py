"""A few requests per function at once, the others in order, none for ever."""

from __future__ import annotations

import asyncio

import pytest

from smyth.http.problems import Problem
from smyth.local.in_flight import InFlight


async def test_no_more_than_the_limit_are_in_flight_and_all_get_through() -> None:
    in_flight = InFlight(per_function=4)
    now = most = done = 0

    async def call() -> None:
        nonlocal now, most, done
        async with in_flight.slot("prompt_agent"):
            now += 1
            most = max(most, now)
            await asyncio.sleep(0)
            now -= 1
            done += 1

    await asyncio.gather(*(call() for _ in range(32)))
    assert (most, done) == (4, 32)


async def test_functions_do_not_wait_for_each_other() -> None:
    in_flight = InFlight(per_function=1, wait_seconds=0.01)
    async with in_flight.slot("one"), in_flight.slot("two"):
        pass


async def test_who_waits_too_long_is_told_to_try_again_and_leaves_no_trace() -> None:
    in_flight = InFlight(per_function=1, wait_seconds=0.01)
    async with in_flight.slot("one"):
        with pytest.raises(Problem) as refused:
            async with in_flight.slot("one"):
                pass
    assert (refused.value.status, refused.value.headers) == (503, {"retry-after": "1"})
    async with in_flight.slot("one"):
        pass


async def test_a_failing_call_gives_its_slot_back() -> None:
    in_flight = InFlight(per_function=1, wait_seconds=0.01)
    with pytest.raises(ValueError, match="boom"):
        async with in_flight.slot("one"):
            raise ValueError("boom")
    async with in_flight.slot("one"):
        pass
