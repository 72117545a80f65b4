"""Bombs, giants, lies and tricks, sent through the functions: refused clearly, and nothing of them is left behind.

What is refused at the door leaves the tenant's items and objects as they were. What only reading finds out leaves a
document that says why it failed: no piece, no half-done work, and no bill.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from smyth.aws.knowledge import BucketContents
from smyth.connectors.documents.limits import MEGABYTE
from smyth.http.services import services
from smyth.platform.files import MAX_DIRECT_BYTES, MAX_FILE_BYTES
from smyth.platform.knowledge import MAX_DOCUMENT_BYTES
from smyth.platform.knowledge_records import Content
from tests.integration.events import Answer, Context, LambdaContext, call, handler, new_tenant_id
from tests.integration.knowing import Words, drop, ledger, take, tell, tenant, work
from tests.unit.documents import files, hostile

NAMESPACE = "handbook"
GIB = 1024**3
FORM = {"Content-Type": "multipart/form-data; boundary=limit"}
_OPEN_XML = "application/vnd.openxmlformats-officedocument"
#: Names, what makes the content, and what must be said of it.
UNREADABLE: dict[str, tuple[Callable[[], bytes], str]] = {
    "bomb.docx": (lambda: hostile.zip_bomb(300 * MEGABYTE), "unpacks to 300 MB; at most 256 MB"),
    "lying.docx": (lambda: hostile.lying_zip_bomb(20 * MEGABYTE), "damaged"),
    "entries.xlsx": (lambda: hostile.many_entries(10_001), "10,001 parts; at most 10,000"),
    "entities.docx": (lambda: hostile.entities(), "declares a document type"),
    "page.pdf": (lambda: hostile.pdf_of_one_page(b" " * (100 * MEGABYTE)), "something that unpacks to too much"),
    "told-pages.pdf": (lambda: hostile.pdf_of_pages(1, told=100_000), "100,000 pages; at most 5,000"),
    "pages.pdf": (lambda: hostile.pdf_of_pages(100_000, told=1), "holds more than is read: too many pages"),
    "picture.pdf": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(100), "called PDF, but its content is not"),
    "program.txt": (lambda: b"\x7fELF" + bytes(100), "not text and of no known format"),
    "archive.docx": (lambda: files.archive({"readme.txt": "no document"}), "an archive, but no document"),
    "cut.pdf": (lambda: hostile.pdf_of_pages(3)[:200], "."),
}
#: What a name may try: ways up, roots, other systems' ways, what looks like dots and slashes, what cannot be seen.
NAMES = [
    "../../../etc/passwd",
    "/etc/passwd",
    "..\\..\\windows\\win.ini",
    "C:\\windows\\win.ini",
    "....//....//a.txt",
    "%2e%2e%2fa.txt",
    "..%c0%afa.txt",
    "\uff0e\uff0e\uff0fa.txt",
    "\u2024\u2024\u2215a.txt",
    "a\u202etxt.exe",
    "a\u0000b.txt",
    "cafe\u0301.txt",
    "\ud83d\ude00.txt",
]


@pytest.fixture(autouse=True)
def model() -> Iterator[Words]:
    while take():  # What another test left must not reach this one.
        pass
    words = Words()
    vars(services())["embeddings"] = words
    yield words
    for made in ("embeddings", "one_model", "indexing"):
        vars(services()).pop(made, None)


@pytest.fixture
def caller() -> Context:
    return tenant()


def kept(caller: Context) -> tuple[list[Any], dict[str, str]]:
    """All that the table and the bucket have of the tenant, but for the trail of who was refused."""
    mine, found, after = {"mine": f"T#{caller['tenant_id']}"}, list[Any](), None
    while True:
        items, after = services().table.scan("begins_with(#pk, :mine)", mine, after=after)
        found += [item for item in items if item["pk"].split("#")[2:3] != ["A"]]
        if after is None:
            return sorted(found, key=repr), objects(caller)


def objects(caller: Context) -> dict[str, str]:
    """Keys of the tenant's objects, and what names their content."""
    pages = services().bucket.client.get_paginator("list_objects_v2")
    found = pages.paginate(Bucket=services().bucket.name, Prefix=f"t/{caller['tenant_id']}/")
    return {one["Key"]: one["ETag"] for page in found for one in page.get("Contents", [])}


def add(caller: Context, **fields: Any) -> Answer:
    return call("POST", "/api/knowledge", body={"namespace": NAMESPACE} | fields, caller=caller)


def upload(caller: Context, **fields: Any) -> Answer:
    return call("POST", "/api/storage/upload", body=fields, caller=caller)


def send(caller: Context, path: str, content: bytes, *, name: str = "a.txt", type: str = "text/plain") -> Answer:
    """Send a file as a form does."""
    head = f'Content-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: {type}\r\n\r\n'
    space = f'--limit\r\nContent-Disposition: form-data; name="namespace"\r\n\r\n{NAMESPACE}\r\n'
    body = space.encode() + b"--limit\r\n" + head.encode("utf-8", "surrogatepass") + content + b"\r\n--limit--\r\n"
    return call("POST", path, body=body, headers=FORM, caller=caller)


def document(caller: Context) -> dict[str, Any]:
    """The tenant's only document."""
    [found] = call("GET", "/api/knowledge", caller=caller).json()["items"]
    return dict(found)


def texts(caller: Context) -> list[str]:
    body = {"namespace": NAMESPACE, "query": "anything", "top_k": 50}
    return [hit["text"] for hit in call("POST", "/api/knowledge/search", body=body, caller=caller).json()["hits"]]


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_document_that_cannot_be_read_says_why_and_leaves_no_trace_but_that(caller: Context, name: str) -> None:
    make, why = UNREADABLE[name]
    drop(caller, f"{NAMESPACE}/{name}", make())
    assert work() == []
    found = document(caller)
    assert (found["status"], found["indexed"]) == ("failed", None)
    assert why in found["error"]
    assert [*objects(caller)] == [f"t/{caller['tenant_id']}/knowledge/{NAMESPACE}/{name}"]
    assert [(entry.status, entry.provider_cost) for entry in ledger(caller)] == [("released", 0)]


def test_a_bomb_in_the_place_of_a_document_leaves_what_is_known(caller: Context) -> None:
    drop(caller, f"{NAMESPACE}/rules.txt", "Known rule")
    work()
    drop(caller, f"{NAMESPACE}/rules.txt", hostile.entities())
    work()
    assert (document(caller)["status"], texts(caller)) == ("failed", ["Known rule"])


def test_a_giant_in_the_bucket_is_refused_before_it_is_read(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    giant = Content("e", 2 * GIB, "text/plain")
    monkeypatch.setattr(BucketContents, "find", lambda *_: giant)
    monkeypatch.setattr(BucketContents, "read", lambda *_: pytest.fail("it was read"))
    tell(caller, f"{NAMESPACE}/giant.txt")
    assert work() == []
    found = document(caller)
    assert (found["status"], found["size"]) == ("failed", 2 * GIB)
    assert "up to 67,108,864 are read. Split it." in found["error"]
    assert [entry.status for entry in ledger(caller)] == ["released"]


def test_what_is_announced_too_large_is_refused(caller: Context) -> None:
    before = kept(caller)
    for size in (MAX_DOCUMENT_BYTES + 1, 2 * GIB, 2**63, -1, 1.5):
        assert add(caller, name="a.pdf", size=size).status == 422
    for size in (MAX_FILE_BYTES + 1, 2**63, -1, 1.5):
        assert upload(caller, name="a.bin", size=size).status == 422
    assert kept(caller) == before
    assert take() == []


def test_two_gigabytes_beyond_the_plan_are_refused(caller: Context) -> None:
    small = caller | {"limits": f'{{"storage_bytes": {GIB}}}'}
    before = kept(caller)
    refused = upload(small, name="a.bin", size=2 * GIB)
    assert (refused.status, refused.json()["type"]) == (403, "urn:smyth:problem:limit_reached")
    assert kept(caller) == before


def test_what_is_sent_too_large_is_refused(caller: Context) -> None:
    before = kept(caller)
    for path in ("/api/knowledge", "/api/storage/upload"):
        refused = send(caller, path, bytes(MAX_DIRECT_BYTES + 1), type="application/octet-stream")
        assert refused.status == 413
        assert refused.json()["detail"]
    assert kept(caller) == before


def test_a_large_upload_that_is_a_lie_does_not_stay(caller: Context) -> None:
    planned = upload(caller, name="a.png", size=200, content_type="image/png").json()
    way = planned["upload"]
    assert httpx.put(way["url"], headers=way["headers"], content=b"MZ" + b"\x90" * 198).is_success
    change = {"key": f"t/{caller['tenant_id']}/files/{planned['key']}", "size": 200, "etag": "e", "sequencer": "0A"}
    event = {"source": "aws.s3", "detail-type": "Object Created", "detail": {"object": change}}
    assert handler("object_created")(event, LambdaContext())["result"] == "ignored"
    assert objects(caller) == {}
    told = call("GET", f"/api/storage/{planned['key']}", caller=caller).json()
    assert told["status"] == "refused"
    assert "said to be image/png" in told["reason"]
    assert call("GET", "/api/storage", caller=caller).json()["storage"]["used_bytes"] == 0


@pytest.mark.parametrize(
    ("content", "type"),
    [
        (b"MZ" + bytes(200), "image/png"),
        (b"%PDF-1.7\n%", "image/jpeg"),
        (b"<html><script>", "application/pdf"),
        (b"\x00\x01\x02" * 50, "text/plain"),
        (b"GIF89a" + bytes(50), "text/html"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), f"{_OPEN_XML}.wordprocessingml.document"),
    ],
)
def test_a_file_that_is_not_what_it_is_said_to_be_is_refused(caller: Context, content: bytes, type: str) -> None:
    before = kept(caller)
    refused = send(caller, "/api/storage/upload", content, type=type)
    assert refused.status in (415, 422)
    assert "Nothing was kept" in refused.json()["detail"]
    assert kept(caller) == before


@pytest.mark.parametrize("name", NAMES)
def test_a_name_leads_nowhere_else(caller: Context, name: str) -> None:
    neighbour = tenant()
    before = kept(neighbour)
    mine = f"t/{caller['tenant_id']}/"
    for answer in (
        add(caller, name=name, text="Text"),
        send(caller, "/api/knowledge", b"Text", name=name),
        send(caller, "/api/storage/upload", b"Text", name=name),
    ):
        assert answer.status in (201, 422), answer.content
    work()
    for key in objects(caller):
        place, _, last = key.removeprefix(mine).rpartition("/")
        assert place in ("files", f"knowledge/{NAMESPACE}") or place.startswith(("vectors", "embeddings"))
        assert last not in ("", ".", "..")
        assert not set(last) & set("\\\0\u202e")
    assert kept(neighbour) == before


@pytest.mark.parametrize(
    "namespace", ["..", "../up", "/etc", "a/b", "a\\b", "%2e%2e", "\uff0e\uff0e", "a\u0000", "\u202eab", "x" * 200, ""]
)
def test_a_namespace_that_is_none_is_refused(caller: Context, namespace: str) -> None:
    before = kept(caller)
    refused = add(caller, name="a.txt", text="Text", namespace=namespace)
    assert refused.status == 422
    assert refused.json()["errors"] or refused.json()["detail"]
    assert kept(caller) == before
    assert take() == []


def test_another_tenants_file_is_no_document(caller: Context) -> None:
    theirs = send(tenant(), "/api/storage/upload", b"Secret").json()["key"]
    before = kept(caller)
    for key in (theirs, f"../../{new_tenant_id()}/files/{theirs}", f"/{theirs}", "..", "fil-\u0000"):
        assert add(caller, file_key=key).status in (404, 422)
    assert kept(caller) == before
    assert take() == []


@pytest.mark.parametrize("path", ["/api/knowledge", "/api/storage", "/api/triggers", "/api/schedules"])
@pytest.mark.parametrize("query", ["limit=100000", "limit=-1", "limit=1e5", "cursor=Li4vLi4", "cursor=%00"])
def test_a_list_of_a_hundred_thousand_is_refused(caller: Context, path: str, query: str) -> None:
    refused = call("GET", f"{path}?{query}", caller=caller)
    assert refused.status == 422
    assert refused.headers["content-type"] == "application/problem+json"


def test_a_document_of_too_many_pieces_is_refused_whole(caller: Context, model: Words) -> None:
    drop(caller, f"{NAMESPACE}/long.md", "\n\n".join(f"# {number}\n\nx" for number in range(20_001)))
    assert work() == []
    assert "20,001 pieces; 20,000 are indexed" in document(caller)["error"]
    assert model.asked == []
    assert [*objects(caller)] == [f"t/{caller['tenant_id']}/knowledge/{NAMESPACE}/long.md"]
