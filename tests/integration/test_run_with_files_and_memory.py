"""What an agent's endpoint takes as files, where its files and links lead, and what it remembers between requests."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from smyth.http.services import services
from tests.integration.events import Answer, Context, call, caller_context
from tests.unit.engine.workflows import document, endpoint, output, part

BOUNDARY = {"Content-Type": "multipart/form-data; boundary=limit"}


def form(*parts: tuple[str, str | None, bytes]) -> bytes:
    """A form of fields, and of files where there is a file name."""
    body = b""
    for name, filename, content in parts:
        disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
        kind = "Content-Type: text/csv\r\n" if filename else ""
        body += f"--limit\r\nContent-Disposition: {disposition}\r\n{kind}\r\n".encode() + content + b"\r\n"
    return body + b"--limit--\r\n"


def agent(caller: Context, *parts: Any, wires: tuple[str, ...]) -> str:
    body = document(*parts, wires=wires, name="Files")
    answer = call("POST", "/api/agents/import", body=body, caller=caller)
    assert answer.status == 201, answer.content
    return str(answer.json()["id"])


def run(caller: Context, agent_id: str, name: str, body: Any, headers: dict[str, str] | None = None) -> Answer:
    return call("POST", f"/api/agents/{agent_id}/run/{name}", body=body, headers=headers, caller=caller)


@pytest.fixture
def taker(caller: Context) -> str:
    """An agent that tells what it got."""
    return agent(
        caller,
        endpoint({"name": "doc", "type": "Binary"}, {"name": "note", "type": "Any"}),
        output("doc?", "note?"),
        wires=("E.body.doc > O.doc", "E.body.note > O.note"),
    )


@pytest.fixture
def keeper(caller: Context) -> str:
    """An agent that stores what it gets."""
    return agent(
        caller,
        endpoint("data"),
        part("S", "FileStore", {"name": "kept", "ttl": 86_400}, inputs=("Data",), outputs=("Url!",)),
        output("url"),
        wires=("E.body.data > S.Data", "S.Url > O.url"),
    )


def remembering(caller: Context, scope: str) -> str:
    written = {"memoryName": "m", "key": "k", "value": "{{v}}", "scope": scope}
    return agent(
        caller,
        endpoint("v", name="write", identity="EW"),
        part("W", "MemoryWriteKeyVal", written, inputs=("v",), outputs=("Key!",)),
        endpoint("x", name="read", identity="ER"),
        part("R", "MemoryReadKeyVal", {"memoryName": "m", "key": "k"}, inputs=("x",), outputs=("Value!",)),
        wires=("EW.body.v > W.v", "ER.body.x > R.x"),
    )


def test_a_form_brings_files_and_fields(caller: Context, taker: str) -> None:
    body = form(("doc", "a b.csv", b"a,b\n"), ("note", None, b"one"), ("note", None, b"two"))
    answer = run(caller, taker, "go", body, BOUNDARY)
    assert answer.status == 200, answer.content
    file = answer.json()["doc"]
    assert (file["mimetype"], file["size"], answer.json()["note"]) == ("text/csv", 4, ["one", "two"])
    path = file["url"].removeprefix(f"smythfs://{caller['tenant_id']}.team/")
    assert services().bucket.get(f"t/{caller['tenant_id']}/fs/teams/{caller['tenant_id']}/{path}") == b"a,b\n"


def test_another_tenant_cannot_name_the_file(caller: Context, taker: str) -> None:
    url = run(caller, taker, "go", {"doc": "mine"}).json()["doc"]["url"]
    other = caller_context()
    theirs = agent(other, endpoint({"name": "doc", "type": "Binary"}), output("doc"), wires=("E.body.doc > O.doc",))
    assert "Access Denied" in run(other, theirs, "go", {"doc": url}).json()["result"]["_error"]
    same_path = url.replace(caller["tenant_id"], other["tenant_id"], 1)
    assert "There is no file" in run(other, theirs, "go", {"doc": same_path}).json()["result"]["_error"]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"nonsense", BOUNDARY),
        (form(("a", None, b"1")), {"Content-Type": "multipart/form-data"}),
        (form(*[("a", f"{n}.csv", b"1") for n in range(21)]), BOUNDARY),
        (form(*[("a", None, b"1") for _ in range(201)]), BOUNDARY),
    ],
)
def test_a_form_that_cannot_be_read_is_the_callers_fault(
    caller: Context, taker: str, body: bytes, headers: dict[str, str]
) -> None:
    answer = run(caller, taker, "go", body, headers)
    assert (answer.status, answer.json()["type"]) == (400, "urn:smyth:problem:not_a_form"), answer.content


def test_a_form_counts_for_an_idempotency_key(caller: Context, taker: str) -> None:
    headers = BOUNDARY | {"Idempotency-Key": "form-1"}
    first = run(caller, taker, "go", form(("doc", "a.csv", b"a")), headers)
    assert run(caller, taker, "go", form(("doc", "a.csv", b"a")), headers).json() == first.json()
    assert run(caller, taker, "go", form(("doc", "a.csv", b"b")), headers).status == 422


def test_the_link_of_a_stored_file_gives_it_to_anybody(caller: Context, keeper: str) -> None:
    answer = run(caller, keeper, "go", {"data": "data:text/csv;base64,YSxiCg=="})
    url = answer.json()["url"]
    base, _, token = url.rpartition("/")
    assert base == "https://api.example.com/v1/files"
    redirect = call("GET", f"/files/{token}")
    assert (redirect.status, redirect.headers["cache-control"]) == (302, "no-store")
    got = httpx.get(redirect.headers["location"], trust_env=False)
    assert (got.content, got.headers["content-type"]) == (b"a,b\n", "text/csv")
    assert "kept.csv" in got.headers["content-disposition"]


@pytest.mark.parametrize("token", ["A" * 32, "short", "A" * 31 + ".", "A" * 33])
def test_a_link_that_is_none_is_not_found(token: str) -> None:
    answer = call("GET", f"/files/{token}", function="get_file")
    assert (answer.status, answer.json()["type"]) == (404, "urn:smyth:problem:not_found")


def test_memory_lasts_from_request_to_request(caller: Context) -> None:
    agent_id = remembering(caller, "ttl")
    run(caller, agent_id, "write", {"v": "S"})
    assert run(caller, agent_id, "read", {"x": 1}).json()["result"] == {"Value": "S"}
    # The same document, imported again, is another agent with a memory of its own.
    assert run(caller, remembering(caller, "ttl"), "read", {"x": 1}).json()["result"] == {"_warning": "key not found"}


def test_the_session_is_named_by_a_header(caller: Context) -> None:
    agent_id = remembering(caller, "session")
    run(caller, agent_id, "write", {"v": "S"}, {"X-Caller-Session-Id": "s1"})
    assert run(caller, agent_id, "read", {"x": 1}, {"X-Caller-Session-Id": "s1"}).json()["result"] == {"Value": "S"}
    for headers in ({"X-Caller-Session-Id": "s2"}, {}):
        assert run(caller, agent_id, "read", {"x": 1}, headers).json()["result"] == {"_warning": "key not found"}


def test_a_session_that_cannot_be_one_is_refused(caller: Context) -> None:
    answer = run(caller, remembering(caller, "ttl"), "read", {"x": 1}, {"X-Caller-Session-Id": "a b"})
    assert answer.status == 422
