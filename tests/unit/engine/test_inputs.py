"""Defaults and types of component inputs (ENGINE sections 4 and 5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smyth.components.base import Call
from tests.unit.engine.workflows import call, endpoint, output, part, plan


async def test_a_default_stands_in_for_a_required_value_that_does_not_come() -> None:
    agent = plan(
        endpoint("a", "b"),
        output("a", {"name": "b", "defaultVal": "D"}),
        wires=("E.body.a > O.a", "E.body.b > O.b"),
    )
    assert await call(agent, {"a": 1}) == {"a": 1, "b": "D"}
    assert await call(agent, {"a": 1, "b": None}) == {"a": 1, "b": None}
    assert await call(agent, {"b": 2}) == []


async def test_an_empty_default_is_none() -> None:
    agent = plan(
        endpoint("a", "b"), output("a", {"name": "b", "defaultVal": ""}), wires=("E.body.a > O.a", "E.body.b > O.b")
    )
    assert await call(agent, {"a": 1}) == []


async def test_values_are_converted_to_declared_types_and_falsy_ones_are_not() -> None:
    agent = plan(endpoint("v"), output({"name": "v", "type": "NUMBER"}), wires=("E.body.v > O.v",))
    assert await call(agent, {"v": "7 apples"}) == {"v": 7}
    assert await call(agent, {"v": ""}) == {"v": ""}
    assert await call(agent, {"v": "apples"}) == "Invalid Number value"


async def test_defaults_that_are_no_text_are_converted_too() -> None:
    agent = plan(endpoint("a"), output("a", {"name": "n", "type": "Text", "defaultVal": 5}), wires=("E.body.a > O.a",))
    assert await call(agent, {"a": 1}) == {"a": 1, "n": "5"}


async def test_a_component_is_told_which_inputs_have_a_value_of_their_own(component: Callable[..., None]) -> None:
    calls: list[Call] = []

    async def note(call: Call) -> dict[str, Any]:
        calls.append(call)
        return {}

    component("Note2", note)
    agent = plan(
        endpoint("a"),
        part("N", "Note2", inputs=("a", {"name": "d", "defaultVal": "D"}, "v?")),
        wires=("E.body.a > N.a",),
        variables={"v": "V", "a": "shadowed"},
    )
    await call(agent, {"a": 1})
    assert calls[0].inputs == {"v": "V", "a": 1, "d": "D"}
    assert calls[0].received == ("a", "d")
    assert calls[0].run.variables["a"] == "shadowed"
