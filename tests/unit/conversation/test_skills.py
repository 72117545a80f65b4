from __future__ import annotations

from typing import Any

import pytest

from smyth.conversation.skills import read_arguments, skills_of, system_text
from tests.unit.conversation.agents import agent, endpoint


def offered(*endpoints: dict[str, Any]) -> list[dict[str, Any]]:
    plan = agent({"components": list(endpoints), "connections": []})
    return [skill.tool["function"] for skill in skills_of(plan.document).values()]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"name": "Ada", "behavior": "Be kind."}, "Assistant Name : Ada\n\nBe kind."),
        ({"name": "", "behavior": "Be kind."}, "Be kind."),
        ({"name": "", "behavior": ""}, ""),
        ({"name": "Ada", "behavior": ""}, "Assistant Name : Ada"),
        ({"name": "", "behavior": "x", "templateInfo": {"name": "Tpl"}}, "Assistant Name : Tpl\n\nx"),
        (
            {"name": "A", "behavior": 'has {{var}} {{KEY(k)}} "q" \\ \t\n end'},
            'Assistant Name : A\n\nhas {{var}} {{KEY(k)}} "q" \\ \t\n end',
        ),
    ],
)
def test_the_system_text_is_name_and_behavior_as_written(members: dict[str, str], expected: str) -> None:
    assert system_text(agent(**members).document) == expected


def test_a_system_prompt_takes_the_place_of_the_behavior_and_not_of_the_name() -> None:
    assert system_text(agent(name="Ada", behavior="Be kind.").document, "Obey.") == "Assistant Name : Ada\n\nObey."


def test_a_skill_is_told_with_its_inputs_in_their_types() -> None:
    inputs = [
        {"name": "s", "type": "String", "description": "a text", "defaultVal": "d"},
        {"name": "t", "type": "Text", "description": ""},
        {"name": "n", "type": "Number", "optional": True, "defaultVal": "5"},
        {"name": "f", "type": "Float"},
        {"name": "i", "type": "integer"},
        {"name": "b", "type": "Boolean"},
        {"name": "a", "type": "Array"},
        {"name": "o", "type": "Object"},
        {"name": "x", "type": "Binary"},
        {"name": "w", "type": "Weird"},
        {"name": "v", "type": "Number", "defaultVal": "{{limit}}"},
        {"name": "u", "type": "Number", "defaultVal": "many"},
    ]
    (function,) = offered(endpoint("typed", *inputs, description="Takes all"))
    assert function["name"] == "typed"
    assert function["description"] == "Takes all"
    assert function["parameters"]["type"] == "object"
    assert function["parameters"]["properties"] == {
        "s": {"type": "string", "description": "a text", "default": "d"},
        "t": {"type": "string", "description": ""},
        "n": {"type": "number", "default": 5},
        "f": {"type": "number"},
        "i": {"type": "integer"},
        "b": {"type": "boolean"},
        "a": {"type": "array", "items": {}},
        "o": {"type": "object", "additionalProperties": {}},
        "x": {"type": "string"},
        "w": {"type": "string"},
        "v": {"type": "number", "default": "{{limit}}"},
        "u": {"type": "number", "default": "many"},
    }
    assert function["parameters"]["required"] == ["s", "t", "f", "i", "b", "a", "o", "x", "w", "v", "u"]


def test_a_skill_without_inputs_takes_none() -> None:
    (function,) = offered(endpoint("bare"))
    assert function["parameters"] == {"type": "object", "properties": {}, "required": []}


@pytest.mark.parametrize(
    ("data", "description"),
    [
        ({"description": "said", "doc": "documented"}, "said"),
        ({"description": "", "doc": "documented"}, "documented"),
        ({"summary": "not used"}, ""),
        ({"description": 'uses {{var}} in "text"\n\tx'}, 'uses  in "text"\n\tx'),
    ],
)
def test_the_description_comes_from_the_endpoint(data: dict[str, str], description: str) -> None:
    (function,) = offered(endpoint("e", **data))
    assert function["description"] == description


def test_hidden_endpoints_are_not_offered_and_order_is_kept() -> None:
    functions = offered(
        endpoint("one", ai_exposed=True),
        endpoint("hidden", ai_exposed=False),
        endpoint("two-b"),
        endpoint("three", method="get"),
    )
    assert [function["name"] for function in functions] == ["one", "two-b", "three"]


@pytest.mark.parametrize("data", [{"method": "BREW"}, {"method": "TRACE"}, {"endpoint": "a b"}, {"endpoint": "x" * 65}])
def test_what_could_only_fail_is_not_offered(data: dict[str, str]) -> None:
    functions = offered(endpoint("fine"), endpoint("broken", **data))
    assert [function["name"] for function in functions] == ["fine"]


def test_of_two_endpoints_with_one_name_the_first_is_offered_with_its_inputs() -> None:
    (function,) = offered(
        endpoint("both", {"name": "x"}, id="A", description="the POST"),
        endpoint("both", {"name": "y"}, id="B", method="GET", description="the GET"),
    )
    assert function["description"] == "the POST"
    assert list(function["parameters"]["properties"]) == ["x"]


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", {}),
        ("  ", {}),
        ('{"a":1}', {"a": 1}),
        ("{coin_id: 'bitcoin',", {"coin_id": "bitcoin"}),
        ('{"error":"boom"}', {"error": "boom"}),
        ("not json", "not json"),
        ("[1]", "[1]"),
        ("null", "null"),
        ("5", "5"),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_arguments_are_read_and_mended_where_they_are_an_object(text: str, arguments: Any) -> None:
    assert read_arguments(text) == arguments
