"""The rules by which replayed answers are compared."""

from __future__ import annotations

from typing import Any

import pytest

from smyth.sdk.compat.bugs import pinned_bug
from smyth.sdk.compat.compare import differences


def differ(expected: Any, actual: Any, **rules: Any) -> list[str]:
    return list(differences(expected, actual, **rules))


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"n": 1}, {"n": 1.0}),
        ({"r": {"_debug_time": 5, "x": 1}}, {"r": {"x": 1}}),
        ([{"_debug_time": 5}], [{"_debug_time": 7}]),
        ({"_error": "Schema Validation error: x"}, {"_error": "Something better"}),
        ({"error": 'The "data" argument must be of type string'}, {"error": "Text only."}),
    ],
)
def test_answers_that_count_as_equal(expected: Any, actual: Any) -> None:
    assert differ(expected, actual) == []


@pytest.mark.parametrize(
    ("expected", "actual", "told"),
    [
        ([1, 2], [1, 3], "/1: expected 2, got 3"),
        ([1], [1, 2], "/: expected [1], got [1, 2]"),
        ({"a": True}, {"a": 1}, "/a: expected true, got 1"),
        ({"a": None}, {}, "/a is missing, expected null"),
        ({}, {"a/b": 1}, "/a~1b is not expected, got 1"),
        ({"a": "1"}, {"a": 1}, '/a: expected "1", got 1'),
        ({"_error": "Invalid Number value"}, {"_error": "Not a number"}, "/_error: "),
        ({"_error": "TypeError: x"}, {"_error": ""}, "/_error: "),
        ({"_error": "TypeError: x"}, {"_error": None}, "/_error: "),
        ({"text": "TypeError: x"}, {"text": "y"}, "/text: "),
        ({"a": "x" * 500}, {"a": "y"}, "/a: "),
    ],
)
def test_answers_that_differ_and_what_is_told(expected: Any, actual: Any, told: str) -> None:
    (line,) = differ(expected, actual)
    assert line.startswith(told)
    assert len(line) < 400


def test_of_volatile_values_only_the_type_counts() -> None:
    rules = {"volatile": ["/data/id", "/data/jobs/*/t", "/a~1b"]}
    expected = {"data": {"id": "x", "jobs": {"j1": {"t": 1}}}, "a/b": [1]}
    assert differ(expected, {"data": {"id": "y", "jobs": {"j1": {"t": 2.5}}}, "a/b": []}, **rules) == []
    assert differ(expected, {"data": {"id": 1, "jobs": {"j1": {"t": "2"}}}, "a/b": {}}, **rules) != []
    assert len(differ(expected, {"data": {"id": 1, "jobs": {"j1": {"t": "2"}}}, "a/b": {}}, **rules)) == 3


def test_members_under_volatile_keys_are_compared_in_order() -> None:
    rules = {"volatile_keys": ["/r"]}
    assert differ({"r": {"a": 1, "b": 2}}, {"r": {"x": 1, "y": 2}}, **rules) == []
    assert differ({"r": {"a": 1, "b": 2}}, {"r": {"x": 2, "y": 1}}, **rules) != []
    assert differ({"r": {"a": 1}}, {"r": {"x": 1, "y": 2}}, **rules) != []


def test_a_request_pins_a_bug_by_the_number_of_its_quirk() -> None:
    assert pinned_bug({"quirk": "Q19 name-is-kind; Q10 null-error-fires"}) == 10
    assert pinned_bug({"quirk": "Q19 name-is-kind"}) is None
    assert pinned_bug({"quirk": "the loop stalls"}) is None
    assert pinned_bug({}) is None
