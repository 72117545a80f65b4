"""Documents from /api/knowledge and from the bucket, to the answers of /api/knowledge/search."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from smyth.http.services import services
from smyth.platform import knowledge_runs
from tests.integration.events import Answer, Context, call
from tests.integration.knowing import Patient, Words, busy, deliver, drop, ledger, take, tell, tenant, work

NAMESPACE = "handbook"
FORM = {"Content-Type": "multipart/form-data; boundary=limit"}


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


def add(caller: Context, **fields: Any) -> Answer:
    return call("POST", "/api/knowledge", body={"namespace": NAMESPACE} | fields, caller=caller)


def documents(caller: Context, query: str = "") -> list[dict[str, Any]]:
    answer = call("GET", f"/api/knowledge{query}", caller=caller)
    assert answer.status == 200, answer.content
    return list(answer.json()["items"])


def search(caller: Context, query: str, **fields: Any) -> list[dict[str, Any]]:
    body = {"namespace": NAMESPACE, "query": query, "top_k": 50} | fields
    answer = call("POST", "/api/knowledge/search", body=body, caller=caller)
    assert answer.status == 200, answer.content
    return list(answer.json()["hits"])


def texts(caller: Context) -> list[str]:
    return [hit["text"] for hit in search(caller, "anything")]


def indexings(caller: Context) -> list[Any]:
    return [entry for entry in ledger(caller) if entry.route == "POST /api/knowledge"]


def test_a_text_that_was_added_is_found_with_where_it_stands(caller: Context) -> None:
    added = add(
        caller, name="travel.md", text="# Travel\n\nTrains are booked by the office.\n\n# Food\n\nLunch is free."
    )
    assert (added.status, added.json()["status"]) == (201, "queued")
    assert work() == []
    best = search(caller, "who books trains", top_k=1)[0]
    assert "Trains are booked" in best["text"]
    assert best["source"]["document_id"] == added.json()["id"]
    assert (best["source"]["name"], best["source"]["section"]) == ("travel.md", "Travel")
    assert 0 < best["score"] <= 1
    [record] = documents(caller)
    assert (record["status"], record["error"]) == ("ready", None)
    assert record["indexed"]["chunks"] == record["progress"]["done"] == record["progress"]["total"] == 2
    assert record["indexed"]["version"] == record["version"]


def test_a_file_of_a_form_and_an_uploaded_file_are_documents(caller: Context) -> None:
    file = b'--limit\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n%s\r\n'
    field = b'--limit\r\nContent-Disposition: form-data; name="namespace"\r\n\r\nhandbook\r\n'
    sent = call(
        "POST", "/api/knowledge", body=field + file % (b"a.txt", b"Alpha") + b"--limit--", headers=FORM, caller=caller
    )
    assert sent.status == 201, sent.content
    upload = call(
        "POST", "/api/storage/upload", body=file % (b"b.txt", b"Beta") + b"--limit--", headers=FORM, caller=caller
    )
    assert add(caller, file_key=upload.json()["key"]).json()["name"] == "b.txt"
    work()
    assert sorted(texts(caller)) == ["Alpha", "Beta"]


def test_a_file_that_goes_meanwhile_makes_no_document(caller: Context) -> None:
    file = b'--limit\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nTrains\r\n--limit--'
    key = call("POST", "/api/storage/upload", body=file, headers=FORM, caller=caller).json()["key"]
    services().bucket.delete(f"t/{caller['tenant_id']}/files/{key}")
    refused = add(caller, file_key=key)
    assert (refused.status, "There is no file" in refused.json()["detail"]) == (404, True)
    assert call("GET", "/api/knowledge", caller=caller).json()["items"] == []


def test_an_upload_to_come_is_indexed_when_it_arrives(caller: Context) -> None:
    planned = add(caller, name="late.txt", size=5, content_type="text/plain").json()
    assert planned["status"] == "pending"
    assert documents(caller) == []
    upload = planned["upload"]
    assert httpx.put(upload["url"], headers=upload["headers"], content=b"Gamma").status_code == 200
    assert tell(caller, f"{NAMESPACE}/late.txt")["result"] == "noticed"
    work()
    assert texts(caller) == ["Gamma"]
    assert documents(caller)[0]["id"] == planned["id"]


def test_a_file_put_into_the_bucket_is_replaced_and_deleted_there(caller: Context) -> None:
    drop(caller, f"{NAMESPACE}/deep/rules.txt", "Old rule")
    work()
    assert texts(caller) == ["Old rule"]
    drop(caller, f"{NAMESPACE}/deep/rules.txt", "New rule")
    work()
    assert texts(caller) == ["New rule"]
    drop(caller, f"{NAMESPACE}/deep/rules.txt", None)
    work()
    assert texts(caller) == []
    assert documents(caller) == []


def test_events_that_come_late_and_out_of_order_leave_what_lies_in_the_bucket(caller: Context) -> None:
    name = f"{NAMESPACE}/a.txt"
    for content in ("one", "two", None, "three"):
        drop(caller, name, content)
    for message in reversed(take()):
        assert deliver([message]) == []
    assert texts(caller) == ["three"]
    assert [entry.status for entry in indexings(caller)] == ["settled"]


def test_one_event_delivered_five_times_at_once_is_one_run_and_one_request(caller: Context, model: Words) -> None:
    drop(caller, f"{NAMESPACE}/a.txt", "Only once")
    messages = take() * 5
    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(lambda message: deliver([message]), messages)) == [[]] * 5
    assert texts(caller) == ["Only once"]
    assert model.asked.count("Only once") == 1
    [entry] = indexings(caller)
    assert (entry.status, entry.provider_cost, entry.request_id) == ("settled", 2, documents(caller)[0]["version"])


def test_a_worker_that_is_late_with_an_old_version_does_not_have_the_last_word(
    caller: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, replace = f"{NAMESPACE}/a.txt", services().vectors.replace
    late = threading.Event()

    def replace_late(*arguments: Any) -> int:
        if not late.is_set():
            late.set()
            drop(caller, name, "New rule")
            with ThreadPoolExecutor(1) as pool:  # Another worker, which comes to its end meanwhile.
                assert pool.submit(work).result() == []
            assert documents(caller)[0]["status"] == "ready"
        return replace(*arguments)

    monkeypatch.setattr(services().vectors, "replace", replace_late)
    drop(caller, name, "Old rule")
    assert work() == []
    assert texts(caller) == ["New rule"]
    assert documents(caller)[0]["status"] == "ready"


def test_a_message_that_comes_again_mends_the_index_and_is_not_billed_again(caller: Context) -> None:
    add(caller, name="a.txt", text="Alpha")
    messages = take()
    assert deliver(messages) == []
    services().vectors.delete(caller["tenant_id"], NAMESPACE)
    assert deliver(messages, deliveries=2) == []
    assert texts(caller) == ["Alpha"]
    assert [entry.status for entry in indexings(caller)] == ["settled"]


def test_a_worker_that_runs_out_of_time_hands_over_to_the_next(
    caller: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knowledge_runs, "_BATCH", 1)
    add(caller, name="a.md", text="\n\n".join(f"# {number}\n\nRule {number}." for number in range(4)))
    looks = iter([True, True, True, False])
    monkeypatch.setattr(Patient, "get_remaining_time_in_millis", lambda self: 300_000 if next(looks, True) else 0)
    assert deliver(take()) == []
    assert documents(caller)[0]["progress"] == {"done": 2, "total": 4}
    assert work() == []
    assert len(texts(caller)) == 4


def test_a_document_added_by_the_api_is_not_indexed_again_for_the_event_of_its_object(caller: Context) -> None:
    add(caller, name="a.txt", text="Said once")
    work()
    tell(caller, f"{NAMESPACE}/a.txt")
    work()
    assert len(indexings(caller)) == 1


def test_deleting_a_document_takes_its_pieces_and_only_them(caller: Context) -> None:
    gone = add(caller, name="a.txt", text="Alpha").json()["id"]
    add(caller, name="b.txt", text="Beta")
    work()
    assert call("DELETE", f"/api/knowledge/{gone}", caller=caller).json()["status"] == "deleting"
    assert call("POST", f"/api/knowledge/{gone}/reindex", caller=caller).status == 409
    work()
    assert texts(caller) == ["Beta"]
    assert call("GET", f"/api/knowledge/{gone}", caller=caller).status == 404
    left = services().bucket.keys(f"t/{caller['tenant_id']}/knowledge")
    assert left == [f"t/{caller['tenant_id']}/knowledge/{NAMESPACE}/b.txt"]


def test_indexing_anew_is_another_request_and_the_same_pieces(caller: Context) -> None:
    document = add(caller, name="a.txt", text="Alpha").json()
    work()
    answer = call("POST", f"/api/knowledge/{document['id']}/reindex", caller=caller)
    assert (answer.status, answer.json()["status"]) == (202, "queued")
    assert answer.json()["version"] != document["version"]
    work()
    assert texts(caller) == ["Alpha"]
    assert [entry.status for entry in indexings(caller)] == ["settled", "settled"]


def test_a_document_that_cannot_be_read_says_why_costs_nothing_and_leaves_the_old_pieces(caller: Context) -> None:
    drop(caller, f"{NAMESPACE}/a.pdf", "%PDF-1.7 not really")
    assert work() == []
    [record] = documents(caller, "?status=failed")
    assert record["error"]
    assert record["indexed"] is None
    assert [entry.status for entry in indexings(caller)] == ["released"]
    drop(caller, f"{NAMESPACE}/b.txt", "Alpha")
    work()
    drop(caller, f"{NAMESPACE}/b.txt", b"\x00\x01\x02" * 50)
    work()
    assert texts(caller) == ["Alpha"]


def test_a_model_that_is_away_is_asked_again_and_after_many_times_no_more(caller: Context, model: Words) -> None:
    document = add(caller, name="a.txt", text="Alpha").json()
    model.error = busy()
    messages = take()
    assert deliver(messages) == [messages[0]["MessageId"]]
    assert documents(caller)[0]["status"] in ("parsing", "embedding")
    assert deliver(messages, deliveries=8) == []
    failed = call("GET", f"/api/knowledge/{document['id']}", caller=caller).json()
    assert (failed["status"], failed["error"][:18]) == ("failed", "The model is busy.")
    model.error = None
    call("POST", f"/api/knowledge/{document['id']}/reindex", caller=caller)
    work()
    assert texts(caller) == ["Alpha"]


def test_without_a_request_left_a_document_fails_with_the_reason() -> None:
    caller = tenant(plan="basic", limits={"requests_per_month": 1})
    drop(caller, f"{NAMESPACE}/a.txt", "Alpha")
    work()
    drop(caller, f"{NAMESPACE}/b.txt", "Beta")
    work()
    status = {one["name"]: (one["status"], one["error"]) for one in documents(caller)}
    assert status["a.txt"] == ("ready", None)
    assert status["b.txt"][0] == "failed"
    assert "requests" in status["b.txt"][1]


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "x"},
        {"name": "a.txt"},
        {"name": "a.txt", "text": "x", "size": 1},
        {"name": "a.txt", "text": ""},
        {"name": "..", "text": "x"},
        {"name": "a.txt", "size": 2 * 1024**3},
        {"name": "a.txt", "size": 0},
        {"name": "a.txt", "text": "x", "namespace": "../up"},
        {"name": "a.txt", "text": "x", "namespace": "a/b"},
        {"name": "a.txt", "text": "x", "more": 1},
        {"name": "a.txt", "size": 1, "content_type": "nonsense"},
    ],
)
def test_what_is_no_document_is_refused_and_nothing_is_kept(caller: Context, fields: dict[str, Any]) -> None:
    assert add(caller, **fields).status == 422
    assert services().bucket.keys(f"t/{caller['tenant_id']}/") == []
    assert take() == []


def test_paths_in_a_name_do_not_count(caller: Context) -> None:
    assert add(caller, name="../../other/a.txt", text="x").json()["name"] == "a.txt"
    assert services().bucket.keys(f"t/{caller['tenant_id']}/") == [
        f"t/{caller['tenant_id']}/knowledge/{NAMESPACE}/a.txt"
    ]


@pytest.mark.parametrize("name", ["alone.txt", "folder/", "!!/a.txt", "x" * 200 + "/a.txt", "ns/" + "x" * 800])
def test_what_lies_where_no_document_can_is_ignored(caller: Context, name: str) -> None:
    assert tell(caller, name)["result"] == "ignored"
    assert take() == []


def test_nobodys_documents_are_not_indexed(caller: Context) -> None:
    stranger = caller | {"tenant_id": f"{caller['tenant_id']}x"}
    drop(stranger, f"{NAMESPACE}/a.txt", "Alpha")
    assert work() == []
    assert documents(stranger) == []


def test_a_message_that_is_no_task_goes_to_the_dead_letters() -> None:
    message = {"MessageId": "m", "Body": json.dumps({"tenant": 1}), "Attributes": {"ApproximateReceiveCount": "1"}}
    assert deliver([message]) == ["m"]


def test_a_page_of_documents_ends_where_the_next_begins(caller: Context) -> None:
    for number in range(5):
        add(caller, name=f"{number}.txt", text="x")
    first = call("GET", "/api/knowledge?limit=3", caller=caller).json()
    rest = call("GET", f"/api/knowledge?limit=3&cursor={first['next_cursor']}", caller=caller).json()
    assert len(first["items"]) == 3
    assert len({one["id"] for one in first["items"] + rest["items"]}) == 5
    assert rest["next_cursor"] is None
    assert documents(caller, "?namespace=other") == []
