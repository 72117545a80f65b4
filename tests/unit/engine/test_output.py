"""How the answer looks (COMPONENTS section 1; ENGINE section 7)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.engine.workflows import call, encode, endpoint, output, plan


def answering(form: str, *inputs: Any, **data: Any) -> Any:
    names = [port if isinstance(port, str) else port["name"] for port in inputs]
    wires = tuple(f"E.body.{name} > O.{name}" for name in names)
    members = {"variables": data.pop("variables", {})}
    return plan(endpoint(*names), output(*inputs, form=form, **data), wires=wires, **members)


def entry(result: Any) -> dict[str, Any]:
    return {"id": "O", "name": "APIOutput", "result": {"Output": result}}


async def test_full_is_wrapped_and_minimal_is_bare() -> None:
    assert await call(answering("full", "a"), {"a": [1]}) == entry({"a": [1]})
    assert await call(answering("minimal", "a"), {"a": [1]}) == {"a": [1]}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"a": "x", "b": 2}, "x2"),
        ({"a": {"k": 1}, "b": [1, [2]]}, "[object Object]1,2"),
        ({"a": None, "b": ""}, "null"),
    ],
)
async def test_raw_joins_the_texts_of_the_values(body: dict[str, Any], text: str) -> None:
    assert await call(answering("raw", "a", "b"), body) == entry(text)


async def test_raw_joins_in_the_order_of_arrival() -> None:
    agent = plan(
        endpoint("a", "b"),
        encode("H"),
        output("first", "second", form="raw"),
        wires=("E.body.a > H.Data", "H.Output > O.first", "E.body.b > O.second"),
    )
    assert await call(agent, {"a": "A", "b": "B"}) == entry("B41")


@pytest.mark.parametrize("form", ["full", "minimal", "raw"])
async def test_a_type_other_than_json_unwraps(form: str) -> None:
    answer = await call(answering(form, "a", contentType="text/html"), {"a": "<b>"})
    assert answer == ("<b>" if form == "raw" else {"a": "<b>"})


async def test_its_own_failure_is_bare_text_where_the_answer_is_bare() -> None:
    wrong = {"name": "a", "type": "Number"}
    assert await call(answering("minimal", wrong), {"a": "x"}) == "Invalid Number value"
    full = {"id": "O", "name": "APIOutput", "result": {"_error": "Invalid Number value"}}
    assert await call(answering("full", wrong), {"a": "x"}) == full


async def test_an_output_may_have_the_name_of_a_variable() -> None:
    assert await call(answering("minimal", "a", variables={"a": "V", "z": "Z"}), {"a": "A"}) == {"a": "A"}


async def test_variables_that_nothing_was_sent_for_are_no_output() -> None:
    agent = plan(endpoint("a"), output("a", "v?"), wires=("E.body.a > O.a",), variables={"v": "V"})
    assert await call(agent, {"a": 1}) == {"a": 1}


async def test_an_output_that_is_connected_onward_is_no_result() -> None:
    agent = plan(endpoint("a"), output("a"), output("b", identity="P"), wires=("E.body.a > O.a", "O.Output > P.b"))
    assert await call(agent, {"a": 1}) == {"b": {"a": 1}}
