"""Anything an agent puts out becomes JSON."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smyth.http.json_bodies import to_response

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(ANYTHING)
def test_every_value_becomes_json_that_says_the_same(value: Any) -> None:
    assert json.loads(to_response(value).body) == json.loads(json.dumps(_finite(value)))


@pytest.mark.parametrize(("value", "text"), [(math.inf, b"null"), ("\ud800", b'"\\ud800"'), ("é", '"é"'.encode())])
def test_what_json_lacks_is_written_as_javascript_does(value: Any, text: bytes) -> None:
    assert to_response(value).body == text


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [_finite(one) for one in value]
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    return value
