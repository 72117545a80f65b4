"""When components run, and with what (ENGINE sections 3 and 4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from smyth.components.base import Call
from tests.unit.engine.workflows import call, document, encode, endpoint, keep, output, part, plan


async def test_a_join_waits_for_the_longer_arm() -> None:
    agent = plan(
        endpoint("t"),
        encode("A"),
        encode("B1"),
        encode("B2"),
        output("short", "long"),
        wires=(
            "E.body.t > A.Data",
            "E.body.t > B1.Data",
            "B1.Output > B2.Data",
            "A.Output > O.short",
            "B2.Output > O.long",
        ),
    )
    assert await call(agent, {"t": "x"}) == {"short": "78", "long": "3738"}


async def test_values_for_one_input_make_a_list_in_the_order_of_connections() -> None:
    agent = plan(endpoint("a", "b", "c"), output("v"), wires=("E.body.c > O.v", "E.body.a > O.v", "E.body.b > O.v"))
    assert await call(agent, {"a": "A", "b": "B", "c": "C"}) == {"v": ["C", "A", "B"]}


async def test_a_first_list_is_extended_and_a_later_one_counts_as_one_value() -> None:
    agent = plan(endpoint("a", "b"), output("v"), wires=("E.body.a > O.v", "E.body.b > O.v"))
    assert await call(agent, {"a": [1, 2], "b": [3]}) == {"v": [1, 2, [3]]}
    assert await call(agent, {"a": "hello", "b": ["a", "b"]}) == {"v": ["hello", ["a", "b"]]}


async def test_merging_does_not_change_the_list_that_was_sent() -> None:
    agent = plan(
        endpoint("a"),
        output("v"),
        output("w", identity="P"),
        wires=("E.body.a > O.v", "E.body.a > O.v", "E.body.a > P.w"),
    )
    assert await call(agent, {"a": [1]}) == [{"v": [1, [1]]}, {"w": [1]}]


async def test_a_required_input_that_never_comes_leaves_an_empty_answer() -> None:
    agent = plan(endpoint("a", "b"), output("a", "b"), wires=("E.body.a > O.a", "E.body.b > O.b"))
    assert await call(agent, {"a": 1}) == []


async def test_an_input_without_a_connection_does_not_block() -> None:
    agent = plan(endpoint("a"), output("a", "never"), wires=("E.body.a > O.a",))
    assert await call(agent, {"a": 1}) == {"a": 1}


async def test_falsy_values_travel_and_a_missing_one_does_not() -> None:
    agent = plan(endpoint("a"), output("a"), wires=("E.body.a > O.a",))
    for value in (None, False, 0, "", [], {}):
        assert await call(agent, {"a": value}) == {"a": value}
    assert await call(agent, {}) == []


async def test_a_late_optional_value_runs_the_component_again_but_the_first_result_stays() -> None:
    agent = plan(
        endpoint("a"),
        encode("H"),
        output("a", "late?"),
        wires=("E.body.a > O.a", "E.body.a > H.Data", "H.Output > O.late"),
    )
    assert await call(agent, {"a": "v"}) == {"a": "v"}


async def test_a_component_that_runs_twice_is_answered_once() -> None:
    agent = plan(
        endpoint("a"), encode("H"), output("v"), wires=("E.body.a > O.v", "E.body.a > H.Data", "H.Output > O.v")
    )
    assert await call(agent, {"a": "q"}) == {"v": "q"}


async def test_components_of_a_cycle_start_in_the_documents_order() -> None:
    agent = plan(
        endpoint("b", "a"),
        keep("A"),
        keep("B"),
        output("all"),
        wires=("E.body.b > B.Input", "E.body.a > A.Input", "B.Output > O.all", "A.Output > O.all"),
    )
    assert await call(agent, {"a": "A", "b": "B"}) == {"all": ["A", "B"]}


async def test_a_second_run_starts_with_fresh_inputs(component: Callable[..., None]) -> None:
    seen: list[dict[str, Any]] = []

    async def note(call: Call) -> dict[str, Any]:
        seen.append(call.inputs)
        return {}

    component("Witness", note)
    agent = plan(
        endpoint("a"),
        encode("H"),
        part("W", "Witness", inputs=("now?", "late?")),
        wires=("E.body.a > W.now", "E.body.a > H.Data", "H.Output > W.late"),
    )
    await call(agent, {"a": "v"})
    assert seen == [{"now": "v"}, {"late": "76"}]


async def test_a_value_that_arrives_while_its_target_runs_makes_it_run_again(component: Callable[..., None]) -> None:
    """The fast source finishes in the cycle in which the target is still busy with an earlier value."""
    seen: list[Any] = []
    source_done = asyncio.Event()

    async def fast(call: Call) -> dict[str, Any]:
        source_done.set()
        return {"Output": "late"}

    async def slow(call: Call) -> dict[str, Any]:
        await source_done.wait()
        seen.append(call.inputs["v"])
        return {}

    component("Fast", fast)
    component("Slow", slow)
    agent = plan(
        endpoint("a"),
        part("S", "Slow", inputs=("v",)),
        part("F", "Fast", inputs=("v",), outputs=("Output!",)),
        wires=("E.body.a > S.v", "E.body.a > F.v", "F.Output > S.v"),
    )
    await call(agent, {"a": "early"})
    assert seen == ["early", "late"]


async def test_ready_components_of_a_cycle_run_at_the_same_time(component: Callable[..., None]) -> None:
    together = asyncio.Barrier(3)

    async def meet(call: Call) -> dict[str, Any]:
        async with asyncio.timeout(5):
            await together.wait()
        return {"Output": "met"}

    component("Meet", meet)
    parts = [part(name, "Meet", inputs=("v",), outputs=("Output!",)) for name in ("A", "B", "C")]
    agent = plan(endpoint("v"), *parts, wires=tuple(f"E.body.v > {name}.v" for name in ("A", "B", "C")))
    assert [entry["result"] for entry in await call(agent, {"v": 1})] == [{"Output": "met"}] * 3


async def test_results_stand_in_the_documents_order_and_values_in_the_order_of_arrival(
    component: Callable[..., None],
) -> None:
    first_may_end = asyncio.Event()

    async def wait(call: Call) -> dict[str, Any]:
        await first_may_end.wait()
        return {"Output": "slow"}

    async def release(call: Call) -> dict[str, Any]:
        first_may_end.set()
        return {"Output": "quick"}

    component("Wait", wait)
    component("Release", release)
    parts = (
        part("A", "Wait", inputs=("v",), outputs=("Output!",)),
        part("B", "Release", inputs=("v",), outputs=("Output!",)),
    )
    wires = ("E.body.v > A.v", "E.body.v > B.v")
    leaves = plan(endpoint("v"), *parts, wires=wires)
    assert [entry["id"] for entry in await call(leaves, {"v": 1})] == ["A", "B"]
    first_may_end.clear()
    joined = plan(endpoint("v"), *parts, output("all"), wires=(*wires, "A.Output > O.all", "B.Output > O.all"))
    assert await call(joined, {"v": 1}) == {"all": ["quick", "slow"]}


async def test_a_connection_to_itself_does_nothing() -> None:
    agent = plan(
        endpoint("a"), keep("K"), output("v"), wires=("E.body.a > K.Input", "K.Output > K.Input", "K.Output > O.v")
    )
    assert await call(agent, {"a": 5}) == {"v": 5}


def chain(length: int) -> dict[str, Any]:
    value: dict[str, Any] = {"last": "end"}
    for _ in range(length - 1):
        value = {"n": value}
    return value


async def test_one_component_may_run_a_hundred_times_and_no_more() -> None:
    walker = keep("A", "n,last")
    walker["outputs"] += [{"name": "Output.n"}, {"name": "Output.last"}]
    agent = plan(
        endpoint("t"),
        walker,
        keep("B", "n,last"),
        output("last"),
        wires=("E.body.t > A.Input", "A.Output.n > B.Input", "B.Output > A.Input", "A.Output.last > O.last"),
    )
    assert await call(agent, {"t": chain(100)}) == {"last": "end"}
    told = "Circular Calls Limit Reached on A. Current circular limit is 100"
    assert await call(agent, {"t": chain(101)}) == {"error": told}


async def test_runs_of_one_plan_do_not_see_each_other() -> None:
    agent = plan(endpoint("a"), encode("H"), output("v"), wires=("E.body.a > H.Data", "H.Output > O.v"))
    answers = await asyncio.gather(*(call(agent, {"a": str(number)}) for number in range(20)))
    assert answers == [{"v": str(number).encode().hex()} for number in range(20)]


async def test_components_that_nothing_reaches_do_not_run() -> None:
    agent = plan(endpoint("a"), output("a"), part("N", "Note"), part("C", "Component"), wires=("E.body.a > O.a",))
    assert await call(agent, {"a": 1}) == {"a": 1}


async def test_a_document_without_components_finds_no_endpoint() -> None:
    from smyth.document import load
    from smyth.engine import compile

    assert await call(compile(load(document()))) == {"error": "Endpoint POST /api/go Not Found"}
