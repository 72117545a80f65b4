"""Skills as tools of the Model Context Protocol, and what becomes of their answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp_types import CallToolResult

from smyth.conversation.skills import skills_of
from smyth.http.mcp.exchange import check_origin
from smyth.http.mcp.tools import faults_of, has_failed, request_of, result_of, tools_of
from smyth.http.problems import Problem
from tests.unit.conversation.agents import agent, answering

NUMBERS = answering(
    "sum",
    {"name": "a", "type": "Number"},
    {"name": "list", "type": "Array", "optional": True},
    {"name": "whole", "type": "Integer", "optional": True},
)


def test_a_tool_says_what_the_skill_says() -> None:
    document = agent(NUMBERS, answering("look", method="get", description="Looks {{up}}.")).document
    total, look = tools_of(document)
    assert (total.name, total.description, total.annotations) == ("sum", None, None)
    assert total.input_schema["properties"]["list"] == {"type": "array", "items": {}}
    assert total.input_schema["required"] == ["a"]
    assert look.description == "Looks ."
    assert look.annotations is not None
    assert look.annotations.read_only_hint is True
    assert look.input_schema == {"type": "object", "properties": {}, "required": []}


def test_the_arguments_go_where_the_method_says() -> None:
    skills = skills_of(agent(NUMBERS, answering("look", method="GET")).document)
    posted, got = request_of(skills["sum"], {"a": 1}), request_of(skills["look"], {"b": 2})
    assert (posted.method, posted.path, posted.body, posted.query) == ("POST", "/api/sum", {"a": 1}, {})
    assert (got.method, got.path, got.body, got.query) == ("GET", "/api/look", None, {"b": 2})


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"a": 1}, []),
        ({"a": 1.5, "list": ["x"], "whole": 2, "further": True}, []),
        ({}, ["arguments: 'a' is a required property"]),
        ({"a": "1"}, ["a: '1' is not of type 'number'"]),
        ({"a": True, "whole": 1.5}, ["a: True is not of type 'number'", "whole: 1.5 is not of type 'integer'"]),
    ],
)
def test_faults_name_the_argument(arguments: dict[str, Any], told: list[str]) -> None:
    head, *faults = faults_of(skills_of(agent(NUMBERS).document)["sum"], arguments).split("\n")
    assert faults == told
    assert head.startswith('The arguments do not fit the inputSchema of "sum".' if told else "")


def test_faults_stay_short_whatever_was_sent() -> None:
    skill = skills_of(agent(NUMBERS).document)["sum"]
    assert len(faults_of(skill, {"a": "x" * 100_000})) < 1_000


@pytest.mark.parametrize(
    ("answer", "text", "structured"),
    [
        ({"a": [1, None]}, '{"a":[1,null]}', {"a": [1, None]}),
        ([1, 2], "[1,2]", None),
        ("plain", "plain", None),
        (None, "null", None),
        ({"none": float("nan"), "big": float("inf")}, '{"none":null,"big":null}', {"none": None, "big": None}),
        ({"half": "a\ud83d", "whole": "\U0001f600"}, '{"half": "a?", "whole": "\U0001f600"}', None),
    ],
)
def test_an_answer_is_text_and_an_object_where_it_is_one(answer: Any, text: str, structured: Any) -> None:
    made = result_of(answer)
    result = CallToolResult.model_validate(made)
    assert made["content"] == [{"type": "text", "text": text}]
    assert result.structured_content == (json.loads(text) if isinstance(answer, dict) else structured)
    result.model_dump_json()


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        ({"id": "X", "name": "APICall", "result": {"_error": "no"}}, True),
        ([{"result": {"_error": "no"}}, {"result": {"_error": "neither"}}], True),
        ([{"result": {"_error": "no"}}, {"result": {"Output": 1}}], False),
        ({"result": {"_error": ""}}, False),
        ({"result": "text"}, False),
        ([], False),
        ("text", False),
    ],
)
def test_a_run_failed_where_all_that_it_came_to_are_errors(answer: Any, failed: bool) -> None:
    assert has_failed(answer) is failed
    assert result_of(answer)["isError"] is failed


@pytest.mark.parametrize(
    ("origin", "public_url", "passes"),
    [
        (None, "", True),
        ("https://api.example.com", "https://api.example.com/v1", True),
        ("https://api.example.com:444", "https://api.example.com", False),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", True),
        ("http://localhost:8000", "http://localhost:8000", True),
        ("http://localhost:9000", "http://localhost:8000", False),
        # A page whose own name was made to lead to the laptop.
        ("http://evil.example:8000", "http://evil.example:8000", False),
        ("http://evil.example", "", False),
        ("null", "https://api.example.com", False),
        ("http://[", "https://api.example.com", False),
    ],
)
def test_only_pages_of_this_service_pass(origin: str | None, public_url: str, passes: bool) -> None:
    if passes:
        check_origin(origin, public_url)
        return
    with pytest.raises(Problem, match="Web pages of other sites") as refused:
        check_origin(origin, public_url)
    assert refused.value.status == 403
