"""What failures look like (ENGINE section 7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smyth.components.base import Call, ComponentError
from tests.unit.engine.workflows import call, endpoint, keep, output, part, plan


async def test_an_unhandled_error_stands_after_the_good_results() -> None:
    agent = plan(
        endpoint("t"),
        keep("Bad", type="Integer"),
        keep("Good"),
        output("v"),
        output("v", identity="P"),
        wires=("E.body.t > Bad.Input", "Bad.Output > O.v", "E.body.t > Good.Input", "Good.Output > P.v"),
    )
    assert await call(agent, {"t": "abc"}) == [
        {"v": "abc"},
        {"id": "Bad", "name": "JSONFilter", "result": {"_error": "Invalid Integer value"}},
    ]


async def test_a_failing_leaf_keeps_its_place_among_the_leaves() -> None:
    agent = plan(
        endpoint("t"), keep("A", type="Integer"), keep("B"), wires=("E.body.t > A.Input", "E.body.t > B.Input")
    )
    assert [entry["id"] for entry in await call(agent, {"t": "abc"})] == ["A", "B"]


async def test_an_error_beside_outputs_runs_both_branches(component: Callable[..., None]) -> None:
    async def half(call: Call) -> dict[str, Any]:
        raise ComponentError("half done", {"Response": "the other half"})

    component("Half", half)
    agent = plan(
        endpoint("v"),
        part("H", "Half", inputs=("v",), outputs=("Response!", "_error")),
        output("r"),
        output("why", identity="P"),
        wires=("E.body.v > H.v", "H.Response > O.r", "H._error > P.why"),
    )
    assert await call(agent, {"v": 1}) == [{"r": "the other half"}, {"why": "half done"}]


async def test_any_exception_of_a_component_becomes_its_error(component: Callable[..., None]) -> None:
    async def broken(call: Call) -> dict[str, Any]:
        return {"Output": {}["missing"]}

    component("Broken", broken)
    agent = plan(endpoint("v"), part("B", "Broken", inputs=("v",)), wires=("E.body.v > B.v",))
    assert await call(agent, {"v": 1}) == {"id": "B", "name": "Broken", "result": {"_error": "'missing'"}}


async def test_an_exception_without_words_still_says_what_it_was(component: Callable[..., None]) -> None:
    async def broken(call: Call) -> dict[str, Any]:
        raise TimeoutError

    component("Broken", broken)
    agent = plan(endpoint("v"), part("B", "Broken", inputs=("v",)), wires=("E.body.v > B.v",))
    assert (await call(agent, {"v": 1}))["result"] == {"_error": "TimeoutError"}


async def test_invalid_settings_answer_in_place_of_the_component() -> None:
    agent = plan(
        endpoint("a"),
        part("O", "APIOutput", {"format": "pretty"}, inputs=("a",), title="My title", displayName="My name"),
        wires=("E.body.a > O.a",),
    )
    answer = await call(agent, {"a": 1})
    assert answer["result"]["id"] == answer["id"] == "O"
    assert answer["result"]["name"] == answer["name"] == "APIOutput"
    assert answer["result"]["_error"].startswith('Schema Validation error: "format"')
    assert answer["result"]["_error"].endswith("on component My name:My title")


async def test_settings_from_a_component_template_may_hold_anything() -> None:
    data = {"format": "{{VARINPUT:form}}", "_templateVars": {"format": "full"}}
    agent = plan(endpoint("a"), part("O", "APIOutput", data, inputs=("a",)), wires=("E.body.a > O.a",))
    assert (await call(agent, {"a": 1}))["result"] == {"Output": {"a": 1}}


async def test_an_unknown_component_ends_the_run_with_its_id_and_name() -> None:
    agent = plan(endpoint("a"), part("X", "Frobnicator", inputs=("v",)), wires=("E.body.a > X.v",))
    answer = await call(agent, {"a": 1})
    assert answer == {"error": answer["error"], "id": "X", "name": "Frobnicator"}
    assert '"Frobnicator"' in answer["error"]


async def test_an_unknown_component_that_is_not_reached_harms_nobody() -> None:
    agent = plan(
        endpoint("a"), part("X", "Frobnicator", inputs=("v",)), output("v"), wires=("E.body.a > O.v", "X.out > O.v")
    )
    assert await call(agent, {"a": 1}) == {"v": 1}


async def test_what_only_debugging_wants_is_not_in_the_answer(component: Callable[..., None]) -> None:
    async def chatty(call: Call) -> dict[str, Any]:
        return {"Output": 1, "_debug": "long story", "_debug_time": 0, "_error": None}

    component("Chatty", chatty)
    agent = plan(endpoint("v"), part("C", "Chatty", inputs=("v",)), wires=("E.body.v > C.v",))
    assert await call(agent, {"v": 1}) == {"id": "C", "name": "Chatty", "result": {"Output": 1}}
