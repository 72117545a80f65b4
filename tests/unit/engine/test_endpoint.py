"""How a request comes in (COMPONENTS section 1)."""

from __future__ import annotations

from typing import Any

import pytest

from smyth.engine import Limits
from tests.unit.engine.workflows import ask, call, endpoint, output, part, plan


def echo(*parameters: Any, **members: Any) -> Any:
    """An agent that answers its parameters."""
    names = [port if isinstance(port, str) else port["name"] for port in parameters]
    wires = tuple(f"E.body.{name} > O.{name}" for name in names)
    return plan(endpoint(*parameters), output(*(f"{name}?" for name in names)), wires=wires, **members)


@pytest.mark.parametrize("path", ["/api/go", "/v1/api/go", "/v1.2/api/go"])
async def test_an_endpoint_is_found_behind_any_version(path: str) -> None:
    assert await call(echo("a"), {"a": 1}, path) == {"a": 1}


@pytest.mark.parametrize("path", ["/api/GO", "/api/go/", "/api/", "/api/go?a=1", "/trigger/go", "/v1/api/no\nlines"])
async def test_a_path_that_no_endpoint_has_is_named(path: str) -> None:
    assert (await ask(echo("a"), {"a": 1}, path)).answer() == {"data": {"error": f"Endpoint POST {path} Not Found"}}


@pytest.mark.parametrize("path", ["", "/", "/go", "/apigo", "api/go", "/foo/api/go", "/vx/api/go"])
async def test_a_path_that_is_no_endpoints_is_a_404(path: str) -> None:
    answer = (await ask(echo("a"), {"a": 1}, path)).answer()
    assert answer == {"status": 404, "data": {"error": "Endpoint not found"}}


async def test_methods_part_endpoints_of_one_name_and_ignore_case() -> None:
    agent = plan(
        endpoint("t", method="GET", identity="G"),
        endpoint("t", identity="P"),
        output("got", identity="OG"),
        output("posted", identity="OP"),
        wires=("G.query.t > OG.got", "P.body.t > OP.posted"),
    )
    assert (await ask(agent, method="get", query={"t": "x"})).data == {"got": "x"}
    assert (await ask(agent, {"t": "y"})).data == {"posted": "y"}
    assert (await ask(agent, method="PUT")).data == {"error": "Endpoint PUT /api/go Not Found"}


async def test_an_empty_method_means_post() -> None:
    agent = plan(endpoint("a", method=""), output("a"), wires=("E.body.a > O.a",))
    assert await call(agent, {"a": 1}) == {"a": 1}


async def test_an_endpoint_alone_answers_the_request_with_headers_in_both_spellings() -> None:
    answer = await ask(plan(endpoint("a")), {"a": 1, "b": [2]}, headers={"X-Test": "Yes"}, query={"q": "1"})
    assert answer.data["result"] == {
        "headers": {"x-test": "Yes", "X-Test": "Yes"},
        "body": {"a": 1, "b": [2]},
        "query": {"q": "1"},
        "params": {},
    }


@pytest.mark.parametrize("body", [[1, 2], "text", 5, True])
async def test_a_body_that_is_no_object_stays_what_it_is(body: Any) -> None:
    agent = plan(endpoint("a"), output("whole"), wires=("E.body > O.whole",))
    assert await call(agent, body) == {"whole": body}


@pytest.mark.parametrize("empty", [None, "", "  ", [], {}])
async def test_a_default_takes_the_place_of_an_empty_value(empty: Any) -> None:
    agent = echo({"name": "a", "defaultVal": "D"})
    assert await call(agent, {"a": empty}) == {"a": "D"}
    assert await call(agent, {}) == {"a": "D"}


@pytest.mark.parametrize("value", [0, False, "x"])
async def test_a_default_leaves_values_alone(value: Any) -> None:
    assert await call(echo({"name": "a", "defaultVal": "D"}), {"a": value}) == {"a": value}


async def test_a_default_needs_an_output_of_the_parameter() -> None:
    source = endpoint({"name": "a", "defaultVal": "D"})
    source["outputs"] = source["outputs"][:3]
    agent = plan(source, output("whole"), wires=("E.body > O.whole",))
    assert await call(agent, {}) == {"whole": {}}


async def test_a_default_may_mention_variables_and_what_the_request_gave() -> None:
    agent = echo(
        {"name": "a", "defaultVal": "{{greet}}!"},
        {"name": "b", "defaultVal": "a is {{a}}"},
        variables={"city": "Paris", "greet": "Bonjour {{city}}"},
    )
    assert await call(agent, {}) == {"a": "Bonjour Paris!", "b": "a is Bonjour Paris!"}
    assert await call(agent, {"a": "hi"}) == {"a": "hi", "b": "a is hi"}


async def test_values_and_defaults_are_converted_to_the_declared_types() -> None:
    agent = echo({"name": "n", "type": "Integer", "defaultVal": "5"}, {"name": "b", "type": "boolean"})
    assert await call(agent, {"b": "true"}) == {"n": 5, "b": True}
    assert (await call(agent, {"n": "five"}))["result"] == {"_error": "Invalid Integer value"}


async def test_a_default_that_does_not_fit_harms_only_who_needs_it() -> None:
    agent = echo({"name": "n", "type": "Integer", "defaultVal": "five"})
    assert await call(agent, {"n": 3}) == {"n": 3}
    assert (await call(agent, {}))["result"] == {"_error": "Invalid Integer value"}


async def test_text_that_looks_like_an_object_is_read_and_a_list_is_not() -> None:
    agent = echo({"name": "t", "type": "Text"}, "u")
    assert await call(agent, {"t": '{"a":1}', "u": " {b: 2,} "}) == {"t": {"a": 1}, "u": {"b": 2}}
    assert await call(agent, {"t": "[1,2]", "u": "{{x}}"}) == {"t": "[1,2]", "u": "{{x}}"}


async def test_variables_are_filled_into_whole_texts_only() -> None:
    agent = echo("a", "b", variables={"v": "one"})
    assert await call(agent, {"a": "{{v}} {{b}}", "b": {"k": "{{v}}"}}) == {"a": "one {{b}}", "b": {"k": "{{v}}"}}


async def test_the_vault_is_out_of_reach_for_callers() -> None:
    agent = echo("a", teamId="acme", variables={"v": "x"})
    assert await call(agent, {"a": "[{{KEY(API_TOKEN)}}]"}) == {"a": "[]"}
    assert await call(agent, {"a": "{{KEY(teamid)}}"}) == {"a": "acme"}


async def test_the_strict_switch_leaves_caller_data_alone() -> None:
    agent = echo("a", variables={"v": "one"})
    body = {"a": "{{v}} {{KEY(x)}}"}
    assert await call(agent, body, limits=Limits(expand_caller_data=False)) == body


async def test_a_name_that_cannot_be_an_endpoints_is_a_settings_error() -> None:
    agent = plan(part("E", "APIEndpoint", {"endpoint": "has space"}))
    answer = await call(agent, {}, "/api/has space")
    assert answer["result"]["_error"].startswith('Schema Validation error: "endpoint"')
