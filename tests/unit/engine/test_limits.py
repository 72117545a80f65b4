"""What ends a run that has run away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from smyth.components.base import Call
from smyth.engine import Limits
from smyth.engine.limits import Meter, RunError
from tests.unit.engine.workflows import ask, call, endpoint, keep, loop, output, part, plan


async def test_too_many_component_runs() -> None:
    agent = plan(
        endpoint("list"),
        loop(),
        keep("K"),
        output("v"),
        wires=("E.body.list > L.Input", "L.Loop > K.Input", "L.Result > O.v"),
    )
    answer = await call(agent, {"list": [1] * 100}, limits=Limits(components=50))
    assert answer == {
        "error": "The run was ended after 50 component runs. Loop over fewer items. "
        'The operator of the service can raise the limit "components" for all or for your plan.'
    }


async def test_values_that_double_in_each_round_do_not_eat_the_machine() -> None:
    agent = plan(
        endpoint("v"),
        keep("A"),
        keep("B"),
        wires=("E.body.v > A.Input", "A.Output > B.Input", "A.Output > B.Input", "B.Output > A.Input"),
    )
    answer = await call(agent, {"v": "x"}, limits=Limits(output_bytes=100_000))
    assert "put out more than 100,000 bytes" in answer["error"]
    assert 'raise the limit "output_bytes"' in answer["error"]


def test_measuring_shared_parts_ends() -> None:
    value: Any = "x"
    for _ in range(200):
        value = [value, value]
    with pytest.raises(RunError, match="put out more than"):
        Meter(Limits(output_bytes=10_000)).count_output({"Output": value})


async def test_large_texts_count() -> None:
    agent = plan(endpoint("v"), output("v"), wires=("E.body.v > O.v",))
    assert "more than 1,000 bytes" in (await call(agent, {"v": "x" * 2000}, limits=Limits(output_bytes=1000)))["error"]


async def test_a_component_that_waits_too_long_is_ended(component: Callable[..., None]) -> None:
    ended = False

    async def forever(call: Call) -> dict[str, Any]:
        nonlocal ended
        try:
            await asyncio.Event().wait()
        finally:
            ended = True
        return {}

    component("Forever", forever)
    agent = plan(endpoint("v"), part("F", "Forever", inputs=("v",)), wires=("E.body.v > F.v",))
    answer = await call(agent, {"v": 1}, limits=Limits(seconds=0.01))
    assert answer == {
        "error": "The run was ended after 0.01 seconds. Split the work into smaller runs. "
        'The operator of the service can raise the limit "seconds" for all or for your plan.'
    }
    assert ended


async def test_work_that_never_waits_is_ended_too() -> None:
    agent = plan(
        endpoint("list"),
        loop(),
        keep("K"),
        output("v"),
        wires=("E.body.list > L.Input", "L.Loop > K.Input", "L.Result > O.v"),
    )
    answer = await call(agent, {"list": [1] * 10_000}, limits=Limits(seconds=0.001))
    assert "ended after 0.001 seconds" in answer["error"]


async def test_what_was_used_is_told_even_if_the_run_was_ended(component: Callable[..., None]) -> None:
    from smyth.connectors.models.port import Usage

    async def costly(call: Call) -> dict[str, Any]:
        call.run.usage.append(Usage("m", 1, 2))
        return {"Output": 1}

    component("Costly", costly)
    agent = plan(
        endpoint("v"),
        part("C", "Costly", inputs=("v",), outputs=("Output!",)),
        part("X", "Frobnicator", inputs=("v",)),
        wires=("E.body.v > C.v", "C.Output > X.v"),
    )
    result = await ask(agent, {"v": 1})
    assert "error" in result.data
    assert result.usage == [Usage("m", 1, 2)]


async def test_cancelling_the_caller_cancels_the_run(component: Callable[..., None]) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def forever(call: Call) -> dict[str, Any]:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return {}

    component("Forever", forever)
    parts = [part(name, "Forever", inputs=("v",)) for name in ("A", "B")]
    agent = plan(endpoint("v"), *parts, wires=("E.body.v > A.v", "E.body.v > B.v"))
    task = asyncio.create_task(call(agent, {"v": 1}))
    await started.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert ended.is_set()
