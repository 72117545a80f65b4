"""A PDF in the tenant's knowledge is answered from, with its page, by a model on this machine and without a network."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx
from fpdf import FPDF

from smyth.aws.clients import client
from tests.e2e.laptop import Dev
from tests.unit.engine.workflows import document, endpoint, output, part

_BUCKET = "smyth-laptop-000000000000-us-east-1"
_PATIENCE_S = 60
#: Four seconds where nothing else runs; the machine may have other tests to do.
_ANSWERED_WITHIN_S = 30
_NAMESPACE = "house-rules"
_SETTINGS = {"namespace": _NAMESPACE, "topK": 1, "includeMetadata": True, "includeScore": True}
_QUESTION = "Who may bring a dog to work?"
_DOGS = "Dogs are welcome in the office on Fridays when their owner has told reception."
_NO_DOGS = "No animals of any kind may be brought into the building."
#: Echo says what it is asked, so the answer is what was looked up, with where it stands.
_AGENT = document(
    endpoint("question"),
    part("L", "DataSourceLookup", _SETTINGS, inputs=("Query",), outputs=("Results!",)),
    part("M", "PromptGenerator", {"model": "Echo", "prompt": "{{Found}}"}, inputs=("Found",), outputs=("Reply!",)),
    output("answer"),
    wires=("E.body.question > L.Query", "L.Results > M.Found", "M.Reply > O.answer"),
)
_PAGES = ("Lunch is served between twelve and two in the canteen.", _DOGS, "Bicycles are parked in the cellar.")


def test_a_pdf_in_the_bucket_is_answered_from_replaced_and_deleted(dev: Dev) -> None:
    place = {"Bucket": _BUCKET, "Key": f"t/{dev.tenant_id}/knowledge/{_NAMESPACE}/rules.pdf"}
    s3 = client("s3", dev.emulator_url)
    with dev.client() as http:
        agent_id = http.post("/api/agents/import", json=_AGENT).json()["id"]
        dropped = time.monotonic()
        s3.put_object(**place, Body=pdf(_PAGES))
        best = until(lambda: found(http), lambda hits: len(hits) == 3)[0]
        searched = time.monotonic()
        assert best["text"] == _DOGS
        assert (best["source"]["name"], best["source"]["page"]) == ("rules.pdf", 2)
        answer = ask(http, agent_id)
        answered = time.monotonic()
        assert _DOGS in answer
        assert "'page': 2" in answer
        print(f"found {searched - dropped:.1f} s and answered from {answered - dropped:.1f} s after it was dropped")
        assert answered - dropped < _ANSWERED_WITHIN_S

        s3.put_object(**place, Body=pdf([_NO_DOGS]))
        until(lambda: [hit["text"] for hit in found(http)], lambda texts: texts == [_NO_DOGS])
        assert _DOGS not in ask(http, agent_id)

        s3.delete_object(**place)
        until(lambda: found(http), lambda hits: hits == [])
        assert _NO_DOGS not in ask(http, agent_id)
        assert http.get("/api/knowledge", params={"namespace": _NAMESPACE}).json()["items"] == []
        print(f"replaced and deleted after {time.monotonic() - answered:.1f} s more")


def pdf(pages: Sequence[str]) -> bytes:
    made = FPDF()
    made.set_font("helvetica", size=12)
    for text in pages:
        made.add_page()
        made.multi_cell(0, 8, text)
    return bytes(made.output())


def found(http: httpx.Client) -> list[dict[str, Any]]:
    answer = http.post("/api/knowledge/search", json={"namespace": _NAMESPACE, "query": _QUESTION, "top_k": 20})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["hits"])


def ask(http: httpx.Client, agent_id: str) -> str:
    """Have the agent answer from what it knows."""
    said = http.post(f"/api/agents/{agent_id}/run/go", json={"question": _QUESTION})
    assert said.status_code == 200, said.text
    return str(said.json()["answer"])


def until(look: Callable[[], Any], done: Callable[[Any], bool]) -> Any:
    """Return what is seen as soon as it is as it should be."""
    deadline = time.monotonic() + _PATIENCE_S
    while not done(seen := look()):
        assert time.monotonic() < deadline, seen
        time.sleep(0.2)
    return seen
