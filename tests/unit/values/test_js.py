from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smyth.values import UNDEFINED, number_text, received, to_json, to_text, truthy


@pytest.mark.parametrize("value", [True, 1, -0.5, "0", "false", [], {}, math.inf, " "])
def test_true_values(value):
    assert truthy(value)


@pytest.mark.parametrize("value", [False, 0, -0.0, "", None, UNDEFINED, math.nan])
def test_false_values(value):
    assert not truthy(value)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (5, "5"), (5.0, "5"), (-0.0, "0"), (0.1, "0.1"), (1.5e-7, "1.5e-7"), (1e-6, "0.000001"), (1e-7, "1e-7"),
        (1e16, "10000000000000000"), (1e20, "100000000000000000000"), (1e21, "1e+21"), (-1.5e300, "-1.5e+300"),
        (123456789012345680000.0, "123456789012345680000"), (5e-324, "5e-324"), (2**60, "1152921504606847000"),
        (10**400, "Infinity"), (-(10**400), "-Infinity"), (math.nan, "NaN"), (math.inf, "Infinity"),
    ],
)  # fmt: skip
def test_prints_numbers_as_javascript_does(number, expected):
    assert number_text(number) == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_printed_numbers_read_back(number):
    assert float(number_text(number)) == number


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("x", "x"), (None, "null"), (UNDEFINED, "undefined"), (True, "true"), (1.0, "1"),
        ([1, None, [2, "a"], UNDEFINED], "1,,2,a,"), ([], ""), ({"a": 1}, "[object Object]"),
    ],
)  # fmt: skip
def test_prints_values_as_string_does(value, expected):
    assert to_text(value) == expected


def test_prints_json_as_stringify_does():
    value = {
        "a": [1, 2.0, 'é"\n\u2028', None, True, math.inf, UNDEFINED],
        "b": {},
        "c": [],
        "u": UNDEFINED,
        "h": "\ud800",
    }
    assert to_json(value) == '{"a":[1,2,"é\\"\\n\u2028",null,true,null,null],"b":{},"c":[],"h":"\\ud800"}'


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_printed_json_reads_back(value):
    # JavaScript pads large numbers with zeros: equal as floats, as it reads them.
    assert json.loads(to_json(value), parse_int=float) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "Received null"), (UNDEFINED, "Received undefined"), (5, "Received type number (5)"),
        (True, "Received type boolean (true)"), ({}, "Received an instance of Object"),
        ([], "Received an instance of Array"),
    ],
)  # fmt: skip
def test_tells_what_a_value_is_as_node_does(value, expected):
    assert received(value) == expected
