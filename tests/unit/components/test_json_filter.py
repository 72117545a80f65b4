from __future__ import annotations

import pytest
from pydantic import ValidationError

from smyth.components.json_filter import Settings


@pytest.mark.parametrize(
    ("fields", "value", "expected"),
    [
        ("a, id", {"a": {"b": 1, "id": 2}, "c": {"a": 5}, "id": 3}, {"a": {"id": 2}, "id": 3}),
        ("id", {"a": {"id": 2}}, {}),
        ("user,name", [{"user": {"name": "A", "age": 1}}, 5, "x"], [{"user": {"name": "A"}}, 5, "x"]),
        ("a.b,{{k}},c", {"a": {"b": 1}, "a.b": 2, "c": 3, "k": 4}, {"a.b": 2, "c": 3}),
        ("a", "text", "text"),
        ("a", None, None),
        ("", {"a": 1}, {}),
        ("", 5, 5),
    ],
)
async def test_keeps_the_named_keys_at_every_depth(outputs_of, fields, value, expected):
    assert await outputs_of("JSONFilter", {"fields": fields}, {"Input": value}) == {"Output": expected, "_error": None}


async def test_keeps_nothing_and_reports_no_error_without_fields(outputs_of):
    assert await outputs_of("JSONFilter", {}, {"Input": {"a": 1}}) == {"Output": {}, "_error": None}


async def test_leaves_its_input_as_it_is(outputs_of):
    value = {"a": {"x": 1}}
    await outputs_of("JSONFilter", {"fields": "a"}, {"Input": value})
    assert value == {"a": {"x": 1}}


def test_limits_the_list_of_fields():
    with pytest.raises(ValidationError, match="30000"):
        Settings(fields="a" * 30_001)
