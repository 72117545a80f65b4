"""What holds for any workflow and any request."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from smyth.engine import Limits
from tests.unit.engine.workflows import ask, encode, endpoint, keep, loop, output, part, plan

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
#: Text that looks like templates, JSON and paths.
TRICKY = st.text(alphabet='{}[]()":,.\\ abKEY01nul', max_size=24)
TYPES = st.sampled_from(
    ["Any", "Text", "Number", "Integer", "Boolean", "Array", "Object", "Date", "Binary", "Weird", ""]
)
LIMITS = Limits(components=3000, output_bytes=200_000, seconds=20)


def some(kind: str, identity: str) -> dict[str, Any]:
    """A component with one input ``i`` and built-in outputs."""
    if kind == "gate":
        return part(identity, "LogicAND", inputs=("i", "j?"), outputs=("Verified!", "Unverified!"))
    if kind == "loop":
        return loop(identity)
    if kind == "echo":
        data = {"model": "Echo", "prompt": "{{i}} {{v}}"}
        return part(identity, "PromptGenerator", data, inputs=("i",), outputs=("Reply!", "_error"))
    if kind == "encode":
        return encode(identity)
    if kind == "output":
        return output("i", "j?", identity=identity)
    return keep(identity, "a,b", error=True)


KINDS = st.sampled_from(["gate", "loop", "echo", "encode", "output", "keep"])


@st.composite
def workflows(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    parts = [endpoint("a", "b")]
    parts += [some(kind, f"C{number}") for number, kind in enumerate(draw(st.lists(KINDS, min_size=1, max_size=7)))]
    places = st.integers(0, len(parts) - 1)
    wires = []
    for _ in range(draw(st.integers(1, 14))):
        source, target = parts[draw(places)], parts[draw(places)]
        wires.append(
            {
                "sourceId": source["id"],
                "sourceIndex": draw(st.integers(0, len(source["outputs"]) - 1)),
                "targetId": target["id"],
                "targetIndex": draw(st.integers(-1, len(target["inputs"]))),
            }
        )
    return parts, wires


@settings(max_examples=150, deadline=None)
@given(workflows(), st.fixed_dictionaries({"a": JSON, "b": JSON | TRICKY}))
def test_any_workflow_ends_and_answers(workflow: Any, body: Any) -> None:
    parts, wires = workflow
    agent = plan(*parts, connections=wires, variables={"v": "x{{w}}", "w": 1})
    first = asyncio.run(ask(agent, body, limits=LIMITS)).answer()
    assert asyncio.run(ask(agent, body, limits=LIMITS)).answer() == first


@settings(max_examples=100, deadline=None)
@given(workflows(), JSON, st.randoms(use_true_random=False))
def test_the_order_of_connections_only_matters_where_they_meet_in_one_input(
    workflow: Any, value: Any, random: Any
) -> None:
    parts, wires = workflow
    alone: dict[Any, dict[str, Any]] = {}
    for wire in wires:
        alone.setdefault((wire["targetId"], wire["targetIndex"]), wire)
    ordered = list(alone.values())
    shuffled = ordered.copy()
    random.shuffle(shuffled)
    body = {"a": value, "b": value}
    answers = [asyncio.run(ask(plan(*parts, connections=each), body, limits=LIMITS)) for each in (ordered, shuffled)]
    if not any("error" in str(answer.data) for answer in answers):
        assert answers[0].data == answers[1].data


@settings(max_examples=200, deadline=None)
@given(JSON | TRICKY | st.dictionaries(st.sampled_from(["a", "b", "c"]), JSON | TRICKY), TYPES, TYPES)
def test_no_request_body_raises(body: Any, one: str, other: str) -> None:
    agent = plan(
        endpoint({"name": "a", "type": one, "defaultVal": "{{v}}"}, {"name": "b", "type": other}),
        keep("K", "a", type=other),
        output("k?", "b?"),
        wires=("E.body.a > K.Input", "K.Output > O.k", "E.body.b > O.b"),
        variables={"v": "{{w}}", "w": "{{v}}"},
    )
    answer = asyncio.run(ask(agent, body, headers={"X-A": "1"}, query={"a": ["1", "2"]})).answer()
    json.dumps(answer)


def test_bodies_nested_beyond_all_measure_do_not_raise() -> None:
    deep: Any = "x"
    for _ in range(50_000):
        deep = [deep]
    agent = plan(
        endpoint({"name": "a", "type": "Text"}, "b"),
        keep("K", "a"),
        loop(),
        encode("H"),
        wires=("E.body.b > K.Input", "E.body.b > L.Input", "L.Loop > H.Data", "E.body.a > H.Data"),
    )
    assert "_error" in str(asyncio.run(ask(agent, {"a": deep})).data)
    assert asyncio.run(ask(agent, {"b": deep})) is not None
