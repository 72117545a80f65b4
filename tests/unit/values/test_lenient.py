from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smyth.values import parse, parse_whole


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        (" [1, 2] ", [1, 2]),
        ("{'single': 'q'}", {"single": "q"}),
        ("{broken: 1,}", {"broken": 1}),
        ("{a:1", {"a": 1}),
        ("[1,2", [1, 2]),
        ('["a" "b"]', ["a", "b"]),
        ("[1 2 3]", [1, 2, 3]),
        ('{"a":1}}', {"a": 1}),
        ('{"a": [1,2,{"b": 3]}', {"a": [1, 2, {"b": 3}]}),
        ('{"a":[}', {"a": []}),
        ('{"a":1]', {"a": 1}),
        ("{,}", {}),
        ("[,1,,2]", [1, 2]),
        ("[1,...]", [1]),
        ('{"a":}', {"a": None}),
        ('{"a"', {"a": None}),
        ('{"a" 1}', {"a": 1}),
        ('{"a":1 "b":2}', {"a": 1, "b": 2}),
        ("{a: True, b: [None, False]}", {"a": True, "b": [None, False]}),
        ("{a: undefined, b: NaN}", {"a": None, "b": "NaN"}),
        ('{"a":.5, "b":1., "c":1e, "d":-.5,}', {"a": 0.5, "b": 1, "c": 1, "d": -0.5}),
        ('{"a":1e400}', {"a": None}),
        ("{id: 007, day: 2024-01-01}", {"id": "007", "day": "2024-01-01"}),
        ('{"a":"line\nbreak",}', {"a": "line\nbreak"}),
        ('{"a":"it "is" so"}', {"a": 'it "is" so'}),
        ('{"t":"with "quotes"","s":7}', {"t": 'with "quotes"', "s": 7}),
        ("{'a': 'it's'}", {"a": "it's"}),
        ('[{\\"k\\":\\"v\\"}]', [{"k": "v"}]),
        ("{\u201ckey\u201d: \u2018value\u2019}", {"key": "value"}),
        ("{u:http://x.y/z, w:hello world}", {"u": "http://x.y/z", "w": "hello world"}),
        ('{"a":1 // why\n, /* so */ "b":2}', {"a": 1, "b": 2}),
        ('{"a":"\\q\\u00e9\\n\\ud83d\\ude00",}', {"a": "q\u00e9\n\U0001f600"}),
        ('{"a":1}\n{"b":2}', [{"a": 1}, {"b": 2}]),
        ('{"a":1},{"b":2}', [{"a": 1}, {"b": 2}]),
        ('{"a":"b', {"a": "b"}),
        ('{"a":"b\\', {"a": "b"}),
        ("{1:2}", {"1": 2}),
        ('[""]', [""]),
        ('{"a":""x""}', {"a": '"x"'}),
    ],
)
def test_repairs_what_is_nearly_json(text, value):
    assert parse(text) == value
    assert parse_whole(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ("Sure: {'a': [1, 2,]} - done", {"a": [1, 2]}),
        ('PARAMS {"a": "}"}', {"a": "}"}),
        ("see [1, 2] there", [1, 2]),
        ('{"a":1} trailing', {"a": 1}),
        ('({"a":1});', {"a": 1}),
        ("list [1, {'a': 2}]", [1, {"a": 2}]),
    ],
)
def test_finds_json_inside_other_text(text, value):
    assert parse(text) == value
    assert parse_whole(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "hello",
        "5",
        "007",
        "1.5",
        "true",
        "null",
        '"text"',
        "a, b",
        "{not json at all}",
        "{{x}}",
        "{a b c}",
        "{name}",
        "{hi: there, you}",
        "{:1}",
        "<p>{a}</p>",
        '{"text":"He said "hi", then left"}',
        '{"a" = 1}',
        '{"a": "b" c}',
        "}{",
        "][",
        "} text {",
        '{"a": "x"; "b": 2}',
    ],
)
def test_leaves_alone_what_is_no_object_and_no_list(text):
    assert parse(text) == text
    assert parse_whole(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        "{" * 200_000,
        '{"a":' * 40_000,
        '["' + 'a"b' * 60_000,
        '["' + '" ' * 90_000,
        '["' + '""' * 90_000,
        "{a:" + "b " * 90_000,
        "[/*" + "*" * 190_000,
        "[" + "\\" * 190_000,
        "{'" + "\\u00e9" * 30_000,
        "[" + "-" * 190_000,
        '["a"' + " " * 190_000 + "x",
        "[" + "1" * 190_000,
        "[1" + "e" * 190_000,
        ("{" * 1000 + "}") * 190,
        "[,a" * 60_000,
        "[a," * 1_000_000,
    ],
)
def test_takes_linear_time_on_hostile_text(text):
    began = time.process_time()
    parse(text)
    assert time.process_time() - began < 5


JSON_OBJECTS = st.dictionaries(
    st.text(),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    ),
)


@given(JSON_OBJECTS)
def test_reads_json_as_json(value):
    assert parse(json.dumps(value)) == value


@given(JSON_OBJECTS)
def test_repairs_a_surplus_closer_and_a_comment_without_changing_anything(value):
    assert parse(f"{json.dumps(value)}}} // done") == value


@given(st.text(alphabet="{}[]\"'`:,\\/*ab1-.e \nu"))
def test_never_fails(text):
    value = parse("{" + text)
    assert isinstance(value, (dict, list)) or value == "{" + text
