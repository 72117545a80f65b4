"""What the original gets wrong is done right: HTTP requests, models, user code, knowledge.

Each test says the number of the bug (the recordings' list of quirks, ``docs/compatibility.md``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest

from smyth.connectors.embeddings.port import Embedded
from smyth.connectors.http.addresses import AddressGuard
from smyth.connectors.http.client import HttpClient
from smyth.connectors.knowledge.knowledge import Knowledge
from smyth.connectors.ports import Ports
from smyth.conversation import AskedTurns
from tests.peers.http_service import Asked, HttpService, Reply
from tests.peers.scripted_models import Reply as Said
from tests.peers.scripted_models import scripted
from tests.unit.engine.workflows import call, endpoint, part, plan


class Echo(HttpService):
    """Answers every request with nothing and remembers it."""

    def answer(self, asked: Asked) -> Reply:
        return Reply({})


@pytest.fixture
def echo() -> Iterator[Echo]:
    with Echo() as service:
        yield service


async def sent(echo: Echo, values: Any = None, *, method: str = "POST", path: str = "", **settings: Any) -> Asked:
    """Return the request that an APICall with these settings makes."""
    names = tuple(values or {})
    data = {"method": method, "url": f"{echo.url}/{path}", "contentType": "none", **settings}
    request = part("C", "APICall", data, inputs=("go", *names), outputs=("Response!", "Headers!"))
    wires = ("E.body > C.go", *(f"E.body.{name} > C.{name}" for name in names))
    http = HttpClient(AddressGuard(allow_private=True))
    answer = await call(plan(endpoint(*names), request, wires=wires), values or {}, ports=Ports(http=http))
    assert "_error" not in answer["result"], answer
    [asked] = echo.asked
    return asked


async def test_headers_may_be_written_as_lines(echo: Echo) -> None:
    """Bug 74."""
    headers = (await sent(echo, {"t": "x"}, headers="X-A: 1\nX-B: {{t}}")).headers
    assert (headers["x-a"], headers["x-b"]) == ("1", "x")
    assert "x-smyth-error" not in headers


async def test_a_backslash_in_a_value_reaches_the_json_body(echo: Echo) -> None:
    """Bug 75."""
    value = 'C:\\new\\"folder"\n'
    asked = await sent(echo, {"s": value}, contentType="application/json", body='{"k": "{{s}}"}')
    assert asked.json == {"k": value}


async def test_a_body_without_a_type_is_filled_and_has_no_made_up_type(echo: Echo) -> None:
    """Bug 76."""
    asked = await sent(echo, {"s": "x"}, body="is {{s}}")
    assert asked.body == b"is x"
    assert "content-type" not in asked.headers


async def test_a_request_without_a_body_has_no_made_up_type(echo: Echo) -> None:
    """Bug 76."""
    assert "content-type" not in (await sent(echo)).headers


async def test_an_xml_body_is_filled(echo: Echo) -> None:
    """Bug 77."""
    asked = await sent(echo, {"s": "a < b"}, contentType="application/xml", body="<k>{{s}}</k>")
    assert asked.body == b"<k>a &lt; b</k>"


async def test_a_field_of_a_form_with_files_keeps_what_stands_around_a_placeholder(echo: Echo) -> None:
    """Bug 78: also, empty fields are sent."""
    body = '{"a": "pre {{s}} post", "b": ""}'
    asked = await sent(echo, {"s": "x"}, contentType="multipart/form-data", body=body)
    assert b'name="a"\r\n\r\npre x post\r\n' in asked.body
    assert b'name="b"\r\n\r\n\r\n' in asked.body


async def test_a_body_that_is_stored_as_an_object_is_filled(echo: Echo) -> None:
    """Bug 79."""
    asked = await sent(echo, {"s": "x"}, contentType="application/json", body={"k": ["{{s}}"]})
    assert asked.json == {"k": ["x"]}


async def test_a_form_sends_objects_as_json_lists_as_repeated_fields_and_null_as_nothing(echo: Echo) -> None:
    """Bug 80."""
    form = '{"o": {"x": 1}, "l": [1, 2], "n": null}'
    asked = await sent(echo, {"s": "x"}, contentType="application/x-www-form-urlencoded", body=form)
    fields = parse_qsl(asked.body.decode(), keep_blank_values=True)
    assert fields == [("o", '{"x":1}'), ("l", "1"), ("l", "2"), ("n", "")]


async def test_a_component_template_without_settings_leaves_no_word_behind(echo: Echo) -> None:
    """Bug 83."""
    asked = await sent(
        echo,
        {"s": "x"},
        path='a{{VARINPUT:Path:[""]}}',
        contentType="application/json",
        body='{"k": "{{VARINPUT:Path:[\\"\\"]}}", "s": "{{s}}"}',
    )
    assert asked.path == "/a"
    assert asked.json == {"k": "", "s": "x"}


def prompt_agent(name: str = "PromptGenerator", model: str = "scripted", **data: Any) -> Any:
    reply = part("P", name, {"model": model, **data}, inputs=("v",), outputs=("Reply!",))
    return plan(endpoint("v"), reply, wires=("E.body.v > P.v",))


async def test_an_empty_prompt_is_an_error_that_a_reader_understands() -> None:
    """Bug 85."""
    result = (await call(prompt_agent(model="Echo", prompt="{{v}}"), {"v": ""}))["result"]
    assert "Empty Response" in result["_error"]


async def test_a_prompt_generator_passes_its_settings_to_the_model() -> None:
    """Bug 86."""
    models = scripted(Said("hi"))
    agent = prompt_agent(prompt="{{v}}", temperature=0.3, maxTokens=50, topP=0.5, stopSequences="END")
    await call(agent, {"v": "x"}, ports=Ports(models=models))
    [asked] = models.requests
    assert (asked.temperature, asked.max_tokens, asked.top_p, list(asked.stop or ())) == (0.3, 50, 0.5, ["END"])


def classifier(model: str) -> Any:
    settings = {"model": model, "prompt": "Which? {{Input}}"}
    chooser = part("C", "Classifier", settings, inputs=("Input",), outputs=("sports", "news"))
    return plan(endpoint("Input"), chooser, wires=("E.body.Input > C.Input",))


async def test_a_classifier_says_that_the_model_named_no_category() -> None:
    """Bug 90: also on Echo, which only repeats the question."""
    said = await call(classifier("scripted"), {"Input": "x"}, ports=Ports(models=scripted(Said("no idea"))))
    echoed = await call(classifier("Echo"), {"Input": "x"})
    for answer in (said, echoed):
        assert answer["result"]["_error"].startswith("The model answered with text, not with categories")


async def test_asking_an_agent_that_is_not_there_says_so() -> None:
    """Bug 92."""
    plugin = part(
        "A", "AgentPlugin", {"agentId": "nobody", "model": "Echo"}, inputs=("Prompt",), outputs=("Response!",)
    )
    agent = plan(endpoint("q"), plugin, wires=("E.body.q > A.Prompt",))
    answer = await call(agent, {"q": "hi"}, ports=Ports(conversations=AskedTurns()))
    assert 'There is no agent "nobody"' in answer["result"]["_error"]


async def run_code(code: str, value: Any) -> Any:
    sandbox = part("S", "ECMASandbox", {"code": code}, inputs=("a",), outputs=("Output!",))
    return (await call(plan(endpoint("a"), sandbox, wires=("E.body.a > S.a",)), {"a": value}))["result"]


@pytest.mark.parametrize("value", ["it's", 'say "x"', "line1\nline2", "`${1}`", [1, 2], {"k": {"l": None}}])
async def test_user_code_gets_its_inputs_as_values(value: Any) -> None:
    """Bug 93."""
    assert await run_code("async function main(a) { return a; }", value) == {"Output": value}


async def test_an_error_of_user_code_is_a_text_that_says_what_was_thrown() -> None:
    """Bug 94."""
    result = await run_code('async function main(a) { throw new Error("too big: " + a); }', 5)
    assert "too big: 5" in result["_error"]


class Letters:
    """Embeds a text as how often it has each of four letters."""

    async def embed(self, texts: Any, *, team_id: str) -> Embedded:
        return Embedded(tuple(tuple(float(text.count(sign)) for sign in "abcd") for text in texts))


async def test_a_source_that_is_stored_again_takes_the_place_of_the_old_one() -> None:
    """Bug 95."""
    settings = {"namespace": "notes", "id": "one"}
    lookup = part("Q", "DataSourceLookup", {"namespace": "notes"}, inputs=("Query",), outputs=("Results!",))
    agent = plan(
        endpoint("text"),
        part("I", "DataSourceIndexer", settings, inputs=("Source",), outputs=("Success!",)),
        endpoint("q", name="ask", identity="F"),
        lookup,
        wires=("E.body.text > I.Source", "F.body.q > Q.Query"),
    )
    ports = Ports(knowledge=Knowledge(embeddings=Letters()))
    for text in ("aaab", "ccd"):
        assert (await call(agent, {"text": text}, ports=ports))["result"]["Success"]["result"] is True
    found = await call(agent, {"q": "aaabcd"}, "/api/ask", ports=ports)
    assert found["result"] == {"Results": ["ccd"]}
