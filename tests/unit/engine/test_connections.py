"""What a connection carries (ENGINE section 4.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smyth.components.base import Call
from tests.unit.engine.workflows import call, endpoint, output, part, plan


async def test_a_built_in_output_carries_its_value() -> None:
    agent = plan(endpoint("a"), output("whole"), wires=("E.body > O.whole",))
    assert await call(agent, {"a": 1, "b": [2]}) == {"whole": {"a": 1, "b": [2]}}


async def test_a_custom_output_is_looked_up_in_the_first_built_in_one_and_then_as_a_path() -> None:
    source = part("K", "JSONFilter", {"fields": "a,list"}, inputs=("Input",), outputs=("Output!",))
    source["outputs"] += [
        {"name": "a"},
        {"name": "Output.a"},
        {"name": "first", "expression": "Output.list[0].a"},
        {"name": "none", "expression": "Output.list[9]"},
        {"name": "count", "expression": "Output.list.length"},
    ]
    agent = plan(
        endpoint("d"),
        source,
        output("bare?", "dotted?", "first?", "none?", "count?"),
        wires=(
            "E.body.d > K.Input",
            "K.a > O.bare",
            "K.Output.a > O.dotted",
            "K.first > O.first",
            "K.none > O.none",
            "K.count > O.count",
        ),
    )
    assert await call(agent, {"d": {"a": 1, "list": [{"a": 10, "z": 0}]}}) == {
        "bare": 1,
        "dotted": 1,
        "first": 10,
        "count": 1,
    }


async def test_positions_are_those_in_the_list_whatever_the_ports_say() -> None:
    source, target = endpoint("a", "b"), output("x", "y")
    for place, port in enumerate(reversed(source["outputs"])):
        port["index"] = place
    connection = {"sourceId": "E", "sourceIndex": 4, "targetId": "O", "targetIndex": 0}
    agent = plan(source, target, connections=[connection])
    assert await call(agent, {"a": "A", "b": "B"}) == {"x": "B"}


async def test_the_error_output_sends_what_the_component_put_there(component: Callable[..., None]) -> None:
    async def told(call: Call) -> dict[str, Any]:
        return {"Output": 1} if call.inputs["v"] == "silent" else {"Output": 1, "_error": call.inputs["v"]}

    component("Told", told)
    agent = plan(
        endpoint("v"),
        part("F", "Told", inputs=("v",), outputs=("Output!", "_error")),
        output("why", identity="P"),
        wires=("E.body.v > F.v", "F._error > P.why"),
    )
    assert await call(agent, {"v": "silent"}) == []
    assert await call(agent, {"v": "bad"}) == {"why": "bad"}
    assert await call(agent, {"v": None}) == {"why": None}


async def test_a_value_for_an_input_that_does_not_exist_ends_the_run_with_a_clear_error() -> None:
    agent = plan(endpoint("a"), output("v"), wires=("E.body.a > O.nope",))
    answer = await call(agent, {"a": 1})
    assert answer["id"] == "E"
    assert answer["name"] == "APIEndpoint"
    assert "'nope'" in answer["error"]
    assert await call(agent, {}) == []


async def test_a_value_for_a_component_that_does_not_exist_ends_the_run_with_a_clear_error() -> None:
    agent = plan(endpoint("a"), wires=("E.body.a > Gone.v",))
    assert "no component has this id" in (await call(agent, {"a": 1}))["error"]


async def test_a_connection_from_an_output_that_does_not_exist_sends_nothing() -> None:
    agent = plan(endpoint("a"), output("v"), wires=("E.nope > O.v",))
    assert await call(agent, {"a": 1}) == []


async def test_of_two_components_with_one_id_the_first_counts() -> None:
    agent = plan(endpoint("a"), output("v"), output("v", form="full"), wires=("E.body.a > O.v",))
    assert await call(agent, {"a": 1}) == {"v": 1}
