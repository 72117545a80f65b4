"""Loops (ENGINE section 9; COMPONENTS section 6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from smyth.components.base import Call
from smyth.engine import Limits
from tests.unit.engine.workflows import call, encode, endpoint, keep, loop, output, part, plan


def looping(*body: Any, form: str = "results-array", wires: tuple[str, ...], **data: Any) -> Any:
    """``body.list`` into a loop, its result into ``v``."""
    base = ("E.body.list > L.Input", "L.Result > O.v")
    return plan(endpoint("list"), loop("L", form, **data), *body, output("v"), wires=(*base, *wires))


def encoding(form: str = "results-array", **data: Any) -> Any:
    return looping(encode("H"), form=form, wires=("L.Loop > H.Data",), **data)


@pytest.mark.parametrize(
    ("items", "seen"),
    [
        (["a", "b"], ["a", "b"]),
        ("a,b ,c", ["a", "b ", "c"]),
        ('["a","b"]', ["a", "b"]),
        ("single", ["single"]),
        ({"k": 1}, [{"k": 1}]),
        (5, [5]),
        ("", [""]),
        ([None, 0, False, ""], [None, 0, False, ""]),
        ([], []),
    ],
)
async def test_what_counts_as_items(items: Any, seen: list[Any]) -> None:
    agent = looping(keep("K", "k"), form="minimal", wires=("L.Loop > K.Input",))
    assert await call(agent, {"list": items}) == {"v": [{"Output": item} for item in seen]}


async def test_the_three_formats() -> None:
    body = {"list": ["a", "b"]}
    entries = [{"id": "H", "name": "FEncDec", "result": {"Output": text}} for text in ("61", "62")]
    assert await call(encoding("full"), body) == {"v": entries}
    assert await call(encoding("whatever"), body) == {"v": entries}
    assert await call(encoding("minimal"), body) == {"v": [{"Output": "61"}, {"Output": "62"}]}
    assert await call(encoding("results-array"), body) == {"v": ["61", "62"]}


async def test_results_array_flattens_to_any_depth() -> None:
    agent = looping(keep("K"), wires=("L.Loop > K.Input",))
    assert await call(agent, {"list": [[1, [2, [3]]], 4]}) == {"v": [1, 2, 3, 4]}


async def test_a_bare_output_in_the_body_has_no_wrapper() -> None:
    body = (encode("H"), output("hex", identity="P"))
    wires = ("L.Loop > H.Data", "H.Output > P.hex")
    assert await call(looping(*body, form="full", wires=wires), {"list": ["a"]}) == {"v": [{"hex": "61"}]}
    assert await call(looping(*body, form="minimal", wires=wires), {"list": ["a"]}) == {"v": [{"hex": "61"}]}
    assert await call(looping(*body, wires=wires), {"list": ["a"]}) == {"v": ["61"]}


async def test_branches_of_the_body_give_their_results_item_by_item() -> None:
    agent = looping(
        encode("H"), encode("A"), encode("B"), wires=("L.Loop > H.Data", "L.Loop > A.Data", "A.Output > B.Data")
    )
    assert await call(agent, {"list": ["a", "b"]}) == {"v": ["61", "3631", "62", "3632"]}


async def test_paths_of_different_length_meet_inside_the_body() -> None:
    body = (encode("H"), output("hex", "item", identity="P"))
    agent = looping(*body, form="minimal", wires=("L.Loop > H.Data", "H.Output > P.hex", "L.Loop > P.item"))
    assert await call(agent, {"list": ["a", "b"]}) == {"v": [{"item": "a", "hex": "61"}, {"item": "b", "hex": "62"}]}


async def test_items_that_trigger_nothing_have_no_result_and_the_loop_goes_on() -> None:
    head = loop("L", "results-array", "Loop.name")
    agent = plan(
        endpoint("list"),
        head,
        encode("H"),
        output("v"),
        wires=("E.body.list > L.Input", "L.Loop.name > H.Data", "L.Result > O.v"),
    )
    assert await call(agent, {"list": [{"name": "a"}, {"other": 1}, {"name": "c"}]}) == {"v": ["61", "63"]}


@pytest.mark.parametrize(
    ("form", "middle"),
    [
        ("full", [{"id": "H", "name": "FEncDec", "result": {"_error": "Invalid Integer value"}}]),
        ("minimal", [{}]),
        ("results-array", []),
    ],
)
async def test_a_failed_item_does_not_end_the_loop(form: str, middle: list[Any]) -> None:
    agent = looping(keep("H", type="Integer"), form=form, wires=("L.Loop > H.Input",))
    good = {
        "full": lambda n: {"id": "H", "name": "JSONFilter", "result": {"Output": n}},
        "minimal": lambda n: {"Output": n},
        "results-array": lambda n: n,
    }[form]
    told = [{**entry, "name": "JSONFilter"} if entry else entry for entry in middle]
    assert await call(agent, {"list": [1, "x", 3]}) == {"v": [good(1), *told, good(3)]}


async def test_an_error_branch_inside_the_body_handles_the_error() -> None:
    body = (keep("K", type="Integer", error=True), output("e", identity="P"), output("v", identity="Q"))
    wires = ("L.Loop > K.Input", "K._error > P.e", "K.Output > Q.v")
    agent = looping(*body, form="minimal", wires=wires)
    # The filter tells its error output of good items too: with null.
    assert await call(agent, {"list": [1, "x"]}) == {"v": [{"e": None}, {"v": 1}, {"e": "Invalid Integer value"}]}


async def test_values_from_outside_are_there_in_every_iteration() -> None:
    agent = plan(
        endpoint("list", "greet"),
        loop(),
        output("item", "greet", identity="P"),
        output("v"),
        wires=("E.body.list > L.Input", "L.Loop > P.item", "E.body.greet > P.greet", "L.Result > O.v"),
    )
    assert await call(agent, {"list": ["a", "b"], "greet": "hi"}) == {"v": ["hi", "a", "hi", "b"]}


async def test_a_loop_waits_for_values_from_outside_that_take_longer() -> None:
    agent = plan(
        endpoint("list", "greet"),
        loop("L", "minimal"),
        encode("A"),
        encode("B"),
        output("item", "greet", identity="P"),
        output("v"),
        wires=(
            "E.body.list > L.Input",
            "L.Loop > P.item",
            "E.body.greet > A.Data",
            "A.Output > B.Data",
            "B.Output > P.greet",
            "L.Result > O.v",
        ),
    )
    answer = await call(agent, {"list": [1, 2], "greet": "x"})
    assert answer == {"v": [{"greet": "3738", "item": 1}, {"greet": "3738", "item": 2}]}


async def test_loops_nest() -> None:
    agent = plan(
        endpoint("list"),
        loop("L", "minimal"),
        loop("M"),
        encode("H"),
        output("inner", identity="P"),
        output("v"),
        wires=(
            "E.body.list > L.Input",
            "L.Loop > M.Input",
            "M.Loop > H.Data",
            "M.Result > P.inner",
            "L.Result > O.v",
        ),
    )
    assert await call(agent, {"list": [["a", "b"], ["c"]]}) == {"v": [{"inner": ["61", "62"]}, {"inner": ["63"]}]}


async def test_an_inner_loop_whose_result_goes_nowhere_is_a_result_itself() -> None:
    agent = looping(loop("M"), encode("H"), wires=("L.Loop > M.Input", "M.Loop > H.Data"))
    assert await call(agent, {"list": [["a", "b"], ["c"]]}) == {"v": ["61", "62", "63"]}


async def test_values_from_outside_reach_the_body_of_an_inner_loop() -> None:
    agent = plan(
        endpoint("list", "greet"),
        loop("L"),
        loop("M"),
        output("item", "outer", "greet", identity="P"),
        output("v"),
        wires=(
            "E.body.list > L.Input",
            "L.Loop > M.Input",
            "L.Loop > P.outer",
            "M.Loop > P.item",
            "E.body.greet > P.greet",
            "L.Result > O.v",
        ),
    )
    answer = await call(agent, {"list": ["a,b", "c"], "greet": "hi"})
    assert answer == {"v": ["hi", "a,b", "a", "hi", "a,b", "b", "hi", "c", "c"]}


async def test_without_a_loop_or_a_result_connection_nothing_is_answered() -> None:
    only_result = plan(endpoint("list"), loop(), output("v"), wires=("E.body.list > L.Input", "L.Result > O.v"))
    only_loop = plan(endpoint("list"), loop(), encode("H"), wires=("E.body.list > L.Input", "L.Loop > H.Data"))
    assert await call(only_result, {"list": ["a"]}) == []
    assert await call(only_loop, {"list": ["a"]}) == []


async def test_a_body_that_leads_back_to_its_loop_does_not_restart_it() -> None:
    agent = looping(encode("H"), wires=("L.Loop > H.Data", "H.Output > L.Input"))
    assert await call(agent, {"list": ["a"]}) == {"v": []}


def test_a_body_ends_where_it_leads_back_to_its_loop() -> None:
    agent = looping(encode("H"), wires=("L.Loop > H.Data", "H.Output > L.Input"))
    found = next(step.loop for step in agent.steps if step.node.id == "L")
    assert found is not None
    assert {step.node.id for step in found.body} == {"H"}


async def test_loops_that_feed_each_other_end() -> None:
    agent = plan(
        endpoint("list"),
        loop("L"),
        loop("M"),
        output("v"),
        wires=("E.body.list > L.Input", "L.Loop > M.Input", "M.Loop > L.Input", "L.Result > O.v"),
    )
    assert await call(agent, {"list": ["a"]}) in ([], {"v": []})


async def test_ten_thousand_items_are_no_circle() -> None:
    answer = await call(encoding(), {"list": ["a"] * 10_000})
    assert answer == {"v": ["61"] * 10_000}


async def test_the_circular_limit_counts_inside_each_iteration() -> None:
    agent = looping(keep("A"), keep("B"), wires=("L.Loop > A.Input", "A.Output > B.Input", "B.Output > A.Input"))
    answer = await call(agent, {"list": [1]})
    assert answer == {"error": "Circular Calls Limit Reached on A. Current circular limit is 100"}


async def test_items_run_one_after_the_other_unless_told_otherwise(component: Callable[..., None]) -> None:
    running = most = 0

    async def busy(call: Call) -> dict[str, Any]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return {"Output": call.inputs["v"]}

    component("Busy", busy)
    for concurrency, expected in (("1", 1), (3, 3)):
        most = 0
        worker = part("W", "Busy", inputs=("v",), outputs=("Output!",))
        agent = looping(worker, wires=("L.Loop > W.v",), concurrency=concurrency)
        assert await call(agent, {"list": list(range(10))}) == {"v": list(range(10))}
        assert most == expected


async def test_results_keep_the_order_of_items_that_finish_out_of_order(component: Callable[..., None]) -> None:
    last_done = asyncio.Event()

    async def backwards(call: Call) -> dict[str, Any]:
        if call.inputs["v"] == 2:
            last_done.set()
        await last_done.wait()
        return {"Output": call.inputs["v"]}

    component("Backwards", backwards)
    worker = part("W", "Backwards", inputs=("v",), outputs=("Output!",))
    agent = looping(worker, wires=("L.Loop > W.v",), concurrency=3)
    assert await call(agent, {"list": [0, 1, 2]}) == {"v": [0, 1, 2]}


async def test_an_error_that_ends_the_run_ends_concurrent_items_too() -> None:
    agent = looping(part("X", "Frobnicator", inputs=("v",)), wires=("L.Loop > X.v",), concurrency=4)
    assert (await call(agent, {"list": [1, 2, 3]}))["id"] == "X"


async def test_loops_may_nest_only_so_deep() -> None:
    agent = looping(loop("M"), encode("H"), wires=("L.Loop > M.Input", "M.Loop > H.Data"))
    answer = await call(agent, {"list": [["a"]]}, limits=Limits(nesting=1))
    assert answer == {
        "error": "The run was ended because its loops nest deeper than 1. Loop over one list in fewer steps. "
        'The operator of the service can raise the limit "nesting" for all or for your plan.'
    }
