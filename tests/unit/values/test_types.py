from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smyth.values import InvalidValue, convert

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
TYPES = ["Any", "Text", "String", "Number", "Integer", "Boolean", "Array", "Object", "Date", "Binary", "Weird", ""]


@pytest.mark.parametrize(
    ("type_name", "value", "expected"),
    [
        ("Text", "hello", "hello"),
        ("Text", 12, "12"),
        ("Text", 1.5, "1.5"),
        ("Text", True, "true"),
        ("Text", {"a": 1}, '{"a":1}'),
        ("Text", [1, "b"], '[1,"b"]'),
        ("Text", "null", ""),
        ("TEXT", "undefined", ""),
        ("string", ["x"], '["x"]'),
        ("Number", "12", 12),
        ("number", "1.50", 1.5),
        ("Number", "-3e2", -300),
        ("Number", "7 apples", 7),
        ("Number", [3, 4], 3),
        ("Number", "Infinity", None),
        ("Number", "1e400", None),
        ("Number", " 8 ", 8),
        ("Number", "0x1F", 0),
        ("Number", ".5", 0.5),
        ("Number", "5.", 5),
        ("Number", "1e", 1),
        ("Integer", 12.9, 12),
        ("Integer", "12.9", 12),
        ("Integer", "-0012", -12),
        ("Integer", "1e3", 1),
        ("Integer", "0x1F", 31),
        ("Integer", "9007199254740993", 9007199254740992),
        ("Integer", ["5"], 5),
        ("Integer", "9" * 400, None),
        ("Boolean", "FALSE", False),
        ("Boolean", "True", True),
        ("Boolean", "1", True),
        ("Boolean", 1.0, True),
        ("Boolean", "0", False),
        ("Array", [1, 2], [1, 2]),
        ("Array", "a, b ,c", ["a", " b ", "c"]),
        ("Array", "[1,2", [1, 2]),
        ("Array", '["a" "b"]', ["a", "b"]),
        ("Array", '{"a":1}', ['{"a":1}']),
        ("Array", "{'a':1,'b':2}", ["{'a':1", "'b':2}"]),
        ("Object", {"a": 1}, {"a": 1}),
        ("Object", "{a: 1, 'b': [2,]}", {"a": 1, "b": [2]}),
        ("Object", 'the answer is {"a": 1}.', {"a": 1}),
        ("Date", "2024-02-29", "2024-02-29T00:00:00.000Z"),
        ("Any", "12", "12"),
        ("Weird", "12", "12"),
        ("Binary", "hello", "hello"),
        (None, "12", "12"),
    ],
)
def test_converts_as_the_original_does(type_name, value, expected):
    converted = convert(value, type_name)
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("Number", "apples"),
        ("Number", True),
        ("Number", {"a": 1}),
        ("Number", "\u0665"),
        ("Integer", "abc"),
        ("Integer", "Infinity"),
        ("Boolean", "yes"),
        ("Boolean", 2),
        ("Boolean", {}),
        ("Boolean", ["true"]),
        ("Array", {"a": 1}),
        ("Array", 5),
        ("Object", [1]),
        ("Object", "[1]"),
        ("Object", "text"),
        ("Object", "{not json at all}"),
        ("Object", 5),
        ("Date", "29/02/2024"),
        ("Date", True),
        ("Date", ["2024-01-01"]),
    ],
)
def test_refuses_what_does_not_fit(type_name, value):
    with pytest.raises(InvalidValue, match=f"Invalid {type_name} value"):
        convert(value, type_name)


@pytest.mark.parametrize("type_name", TYPES)
@pytest.mark.parametrize("value", [None, False, 0, ""])
def test_falsy_values_pass_whatever_the_type(type_name, value):
    assert convert(value, type_name) is value


def test_refuses_what_is_nested_beyond_measure():
    value: list = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(InvalidValue, match="nested too deeply"):
        convert(value, "Text")
    while value:  # Taken apart by hand: freeing such a list at once can overflow the C stack.
        value = value.pop()


@given(JSON_VALUES | st.text(alphabet="0123456789+-.eExX []{}:,'\"abTZ/\n"), st.sampled_from(TYPES))
def test_raises_nothing_but_invalid_value(value, type_name):
    with contextlib.suppress(InvalidValue):
        convert(value, type_name)


@given(JSON_VALUES, st.sampled_from(["Text", "Number", "Integer", "Boolean", "Date"]))
def test_what_was_converted_can_be_written_as_json(value, type_name):
    with contextlib.suppress(InvalidValue):
        converted = convert(value, type_name)
        if converted is not value:
            json.dumps(converted, allow_nan=False)
