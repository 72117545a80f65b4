from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from smyth.components.base import Call
from smyth.components.registry import find


async def test_it_hands_its_inputs_to_the_branch_and_only_the_id_to_the_run(make_call: Callable[..., Call]) -> None:
    forked: list[tuple[str, dict[str, Any]]] = []
    call = make_call("Async", {}, {"a": 1, "b": {"k": None}})
    outputs = await find("Async").run(replace(call, fork=lambda job_id, values: forked.append((job_id, values))))
    ((job_id, values),) = forked
    assert outputs == {"JobID": job_id}
    assert job_id.startswith("C1-")
    assert values == {"a": 1, "b": {"k": None}, "JobID": job_id}


async def test_variables_are_no_inputs_of_the_branch(make_call: Callable[..., Call]) -> None:
    forked: list[dict[str, Any]] = []
    call = make_call("Async", {}, {"a": 1, "variable": 2}, declared=["a"])
    await find("Async").run(replace(call, fork=lambda job_id, values: forked.append(values)))
    assert "variable" not in forked[0]


async def test_each_job_has_an_id_of_its_own(make_call: Callable[..., Call]) -> None:
    call = make_call("Async", {}, {})
    assert await find("Async").run(call) != await find("Async").run(call)
