from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from smyth.components._gates import branch
from smyth.components.registry import find

VERIFIED = {"Output": True, "Verified": True}
UNVERIFIED = {"Unverified": True}


@pytest.mark.parametrize(
    ("values", "count"),
    [
        ((1, 0, "x"), 2),
        (("false", "0", {}), 3),
        (([], True, 0.5), 3),
        ((0, "", None), 0),
        ((False, float("nan"), 1), 1),
    ],
)
@pytest.mark.parametrize(
    ("name", "data", "holds"),
    [
        ("LogicAND", {}, lambda count: count == 3),
        ("LogicOR", {}, lambda count: count > 0),
        ("LogicXOR", {}, lambda count: count == 1),
        ("LogicAtLeast", {"minSetInputs": "2"}, lambda count: count >= 2),
        ("LogicAtLeast", {"minSetInputs": 0}, lambda count: True),
        ("LogicAtMost", {"maxSetInputs": "2"}, lambda count: count <= 2),
        ("LogicAtMost", {"maxSetInputs": 0}, lambda count: count == 0),
    ],
)
async def test_counts_inputs_by_javascripts_truth(outputs_of, name, data, holds, values, count):
    outputs = await outputs_of(name, data, dict(zip("abc", values, strict=True)))
    assert outputs == (VERIFIED if holds(count) else UNVERIFIED)


async def test_takes_declared_inputs_that_did_not_arrive_for_false(outputs_of):
    assert await outputs_of("LogicAND", {}, {"a": 1}, declared=["a", "b"]) == UNVERIFIED


async def test_looks_at_declared_inputs_only(outputs_of):
    assert await outputs_of("LogicXOR", {}, {"a": 1, "variable": "x"}, declared=["a"]) == VERIFIED


async def test_a_limit_above_the_number_of_inputs_still_decides(outputs_of):
    assert await outputs_of("LogicAtLeast", {"minSetInputs": "5"}, {"a": 1}) == UNVERIFIED
    assert await outputs_of("LogicAtMost", {"maxSetInputs": "5"}, {"a": 1}) == VERIFIED


async def test_the_limit_is_one_where_none_is_set(outputs_of):
    assert await outputs_of("LogicAtLeast", {}, {"a": 1, "b": 0}) == VERIFIED
    assert await outputs_of("LogicAtMost", {}, {"a": 1, "b": 1}) == UNVERIFIED


@pytest.mark.parametrize(("name", "setting"), [("LogicAtLeast", "minSetInputs"), ("LogicAtMost", "maxSetInputs")])
@pytest.mark.parametrize("limit", ["", "abc", "12", "-1", "nan", "inf", None, [1]])
def test_refuses_limits_outside_zero_to_nine(name, setting, limit):
    with pytest.raises(ValidationError, match=setting):
        find(name).Settings.model_validate({setting: limit})


@given(st.booleans())
def test_opens_exactly_one_branch(holds):
    outputs = branch(holds=holds)
    assert ("Verified" in outputs) != ("Unverified" in outputs)
    assert all(value is True for value in outputs.values())
