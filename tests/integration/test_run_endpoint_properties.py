"""Whatever is sent to an agent's endpoint, the answer is the agent's or says what is wrong with the request."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.events import Context, call, caller_context
from tests.unit.engine.workflows import document, encode, endpoint, keep, loop, output, part

TYPES = ("Text", "Number", "Integer", "Boolean", "Array", "Object", "Date", "Binary", "Any")
PARAMETERS = st.sampled_from([kind.lower() for kind in TYPES])
#: With halves of characters, which JSON can write and UTF-8 cannot.
WORDS = st.text(st.characters(exclude_categories=()), max_size=12) | st.text('{}[]()":,.\\ vKEY01', max_size=24)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PARAMETERS | WORDS, inner, max_size=4),
    max_leaves=12,
)
BODIES = (
    st.dictionaries(PARAMETERS, JSON)
    | JSON
    | st.binary(max_size=64)
    | st.builds(lambda text, cut: text[:cut], JSON.map(json.dumps), st.integers(0, 40))
)
CONTENT_TYPES = st.sampled_from(
    ["application/json", "text/plain", "", "multipart/form-data", "application/x-www-form-urlencoded", "\u00ff/;="]
)


@pytest.fixture(scope="module")
def owner() -> Context:
    return caller_context()


@pytest.fixture(scope="module")
def agent(owner: Context) -> str:
    """An agent that puts what it is sent through components of many kinds."""
    parameters = [{"name": kind.lower(), "type": kind, "optional": True} for kind in TYPES]
    parts = [
        endpoint(*parameters, {"name": "filled", "type": "Text", "defaultVal": "{{v}} {{any}}"}),
        keep("K", "a,b", error=True),
        loop(),
        encode("H"),
        part("M", "FHash", inputs=("Data",), outputs=("Hash!",)),
        part("P", "LLMPrompt", {"model": "Echo", "prompt": "{{i}} {{v}}"}, inputs=("i",), outputs=("Reply!", "a")),
        part("G", "LogicXOR", inputs=("a?", "b?"), outputs=("Verified!", "Unverified!")),
        output("k?", "l?", "p?", "g?", "e?"),
    ]
    wires = (
        "E.body.any > K.Input", "E.body.array > L.Input", "L.Loop > H.Data", "L.Loop > M.Data", "E.body.filled > P.i",
        "E.body.number > G.a", "E.body.date > G.b", "K.Output > O.k", "K._error > O.e", "L.Result > O.l",
        "P.Reply > O.p", "G.Verified > O.g",
    )  # fmt: skip
    made = document(*parts, wires=wires, name="Any", variables={"v": "{{w}}", "w": "{{KEY(none)}}"})
    answer = call("POST", "/api/agents/import", body=made, caller=owner)
    assert answer.status == 201, answer.content
    return str(answer.json()["id"])


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(BODIES, CONTENT_TYPES)
def test_no_body_makes_an_endpoint_fail(agent: str, owner: Context, body: Any, content_type: str) -> None:
    sent = body if isinstance(body, bytes) else json.dumps(body)
    headers = {"Content-Type": content_type, "X-Session-Id": "s"}
    answer = call("POST", f"/api/agents/{agent}/run/go", body=sent, headers=headers, caller=owner)
    assert answer.status in {200, 400, 413, 415, 422}, (answer.status, answer.content)
    told = answer.json()
    if answer.status != 200:
        assert told["detail"]
        assert answer.headers["content-type"] == "application/problem+json"


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text("&=%?+;#[]{}aé0\x00", max_size=30))
def test_no_query_makes_an_endpoint_fail(agent: str, owner: Context, query: str) -> None:
    answer = call("POST", f"/api/agents/{agent}/run/go?{query}", caller=owner)
    assert answer.status in {200, 400, 422}, (answer.status, answer.content)
