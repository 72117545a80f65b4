from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smyth.values import TextTooLong, expand
from smyth.values.templates import MAX_LENGTH

TEMPLATE = "v=<{{v}}> path=<{{v.k}}> idx=<{{v[0]}}>"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.5, "v=<1.5> path=<{{v.k}}> idx=<{{v[0]}}>"),
        (5.0, "v=<5> path=<{{v.k}}> idx=<{{v[0]}}>"),
        (True, "v=<true> path=<{{v.k}}> idx=<{{v[0]}}>"),
        (0, "v=<0> path=<{{v.k}}> idx=<{{v[0]}}>"),
        ("", "v=<> path=<{{v.k}}> idx=<{{v[0]}}>"),
        ({"k": 'K"q"'}, 'v=<{"k":"K\\"q\\""}> path=<K\\"q\\"> idx=<{{v[0]}}>'),
        (["z", {"a": 1}], 'v=<["z",{"a":1}]> path=<{{v.k}}> idx=<z>'),
        ('say "hi" \\ done\nnew', 'v=<say \\"hi\\" \\ done\nnew> path=<{{v.k}}> idx=<s>'),
        (None, TEMPLATE),
        ("costs $& and \\1", "v=<costs $& and \\1> path=<{{v.k}}> idx=<c>"),
    ],
)
def test_prints_each_kind_of_value_as_the_original_does(value, expected):
    assert expand(TEMPLATE, {"v": value}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{nope}} {{ a }} {{}} {{KEY(a)}}", "{{nope}} {{ a }} {{}} {{KEY(a)}}"),
        ("{{{a}}}", "{{{a}}}"),
        ("{{a}}}", "A}"),
        ("{{a\n}} {{a}}", "{{a\n}} A"),
        ("{{b.c[1].d}} {{b.c.length}} {{a.length}}", "D 2 1"),
        ("{{b.c[-1]}} {{b.c[9]}} {{b.c.d}} {{a.x}}", "{{b.c[-1]}} {{b.c[9]}} {{b.c.d}} {{a.x}}"),
        ("{{x.y}}", "dotted"),
        ("{{a", "{{a"),
        ("a}} {{a}}", "a}} A"),
    ],
)
def test_fills_names_and_paths_and_keeps_the_rest(text, expected):
    scope = {"a": "A", "b": {"c": [0, {"d": "D"}]}, "x.y": "dotted", "x": {"y": "path"}}
    assert expand(text, scope) == expected


def test_does_not_escape_quotes_twice():
    assert expand("{{a}}", {"a": 'x \\"y\\" "z"'}) == 'x \\"y\\" \\"z\\"'


def test_fills_what_inserted_values_hold_for_five_passes():
    scope = {f"a{level}": f"{{{{a{level + 1}}}}}" for level in range(9)}
    assert expand("{{a0}}", scope) == "{{a5}}"
    assert expand("{{a0}}", scope, passes=1) == "{{a1}}"


def test_secrets_are_filled_only_where_the_text_itself_names_them():
    scope = {"token": "s3cret", "input": "{{token}} {{token.length}} {{city}}", "city": "Paris"}
    assert expand("{{token}}: {{input}}", scope, secret={"token"}) == "s3cret: {{token}} {{token.length}} Paris"


def test_secrets_cannot_be_named_by_pieces():
    scope = {"token": "s3cret", "open": "{{tok", "close": "en}}", "whole": "token"}
    for text in ("{{open}}{{close}}", "{{{{whole}}}}", "{{open}}en}}", "{{tok{{close}}"):
        assert "s3cret" not in expand(text, scope, secret={"token"})


def test_refuses_to_grow_beyond_measure():
    with pytest.raises(TextTooLong, match="8,000,000"):
        expand("{{a}}", {"a": "{{a}}" * 1000})
    assert len(expand("{{a}}", {"a": "x" * MAX_LENGTH})) == MAX_LENGTH


@pytest.mark.parametrize("text", ["{{" * 200_000, "{{\n" * 200_000 + "}}", "}}{{" * 200_000, "{{a}" * 200_000])
def test_takes_linear_time_on_hostile_text(text):
    began = time.process_time()
    assert expand(text, {"a": "A"}) == text
    assert time.process_time() - began < 3


def test_values_of_the_scope_stay_as_they_are():
    scope = {"a": ["{{b}}"], "b": "B"}
    assert expand("{{a}}", scope) == '["B"]'
    assert scope == {"a": ["{{b}}"], "b": "B"}


@given(st.text().filter(lambda text: "{{" not in text), st.dictionaries(st.text(), st.text()))
def test_leaves_text_without_placeholders_alone(text, scope):
    assert expand(text, scope) is text


@given(st.text(alphabet='{}ab.[]0 \n"'), st.dictionaries(st.sampled_from(["a", "b", "a.b", ""]), st.text('{}ab"')))
def test_never_fails_and_without_scope_changes_nothing(text, scope):
    expand(text, scope)
    assert expand(text, {}) == text
