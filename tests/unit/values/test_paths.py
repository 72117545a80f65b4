from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smyth.values import UNDEFINED, get_path

VALUE = {"a": {"b": [{"c": 1}, "xyz", None]}, "length": 9, "n": None, "0": "zero"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.b[0].c", 1),
        ("a.b.0.c", 1),
        ("a.b[1]", "xyz"),
        ("a.b[1][2]", "z"),
        ("a.b.length", 3),
        ("a.b[1].length", 3),
        ("a.b[2]", None),
        ("n", None),
        ("length", 9),
        ("[0]", "zero"),
        ("a..b", [{"c": 1}, "xyz", None]),
    ],
)
def test_follows_names_and_positions(path, expected):
    assert get_path(VALUE, path) == expected


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "[]",
        "x",
        "a.x",
        "a.b[3]",
        "a.b[-1]",
        "a.b[x]",
        "n.x",
        "a.b[2].c",
        "a.length",
        "a.b[0].c.d",
        "__class__",
        "a.__len__",
        "a.b[\u0660]",
        "a.b[" + "9" * 5000 + "]",
    ],
)
def test_leads_nowhere_otherwise(path):
    assert get_path(VALUE, path) is UNDEFINED


def test_undefined_is_neither_none_nor_true():
    assert UNDEFINED is not None
    assert not UNDEFINED


@given(st.text(), st.dictionaries(st.text(), st.lists(st.text())))
def test_never_fails(path, value):
    get_path(value, path)
