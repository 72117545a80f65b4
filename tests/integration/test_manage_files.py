"""/api/storage: lists, addresses, ends, the limit of bytes, uploads in parts, and content that is not as declared."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from smyth.http.services import services
from smyth.platform import files as files_module
from smyth.platform.errors import LimitReached, NotFound
from smyth.platform.file_records import PENDING_FOR, File
from smyth.platform.files import Files, new_file
from smyth.platform.times import utc_now
from tests.integration.events import OPERATOR, Answer, Context, call, caller_context
from tests.integration.test_files import FORM, created, objects, part, plan, record, send, tell

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(40)
GIB = 1024**3


def limited(caller: Context, storage_bytes: int | None) -> Context:
    return caller | {"limits": json.dumps({"storage_bytes": storage_bytes})}


def get(caller: Context, key: str = "", query: dict[str, str] | None = None) -> Answer:
    asked = f"?{urlencode(query)}" if query else ""
    return call("GET", (f"/api/storage/{key}" if key else "/api/storage") + asked, caller=caller)


def delete(caller: Context, key: str) -> Answer:
    return call("DELETE", f"/api/storage/{key}", caller=caller)


def used(caller: Context) -> int:
    number: int = get(caller).json()["storage"]["used_bytes"]
    return number


def later(**by: float) -> Files:
    """The use cases as they are some time from now."""
    ours = services().files
    return Files(ours._records, ours._storage, clock=lambda: utc_now() + timedelta(**by))


def put(upload: dict[str, Any], content: bytes) -> httpx.Response:
    return httpx.request(upload["method"], upload["url"], headers=upload["headers"], content=content)


def test_files_are_listed_oldest_first_page_by_page(caller: Context) -> None:
    keys = [send(caller, filename=f"{number}.txt").json()["key"] for number in range(3)]
    first = get(caller, query={"limit": "2"}).json()
    assert [one["key"] for one in first["items"]] == sorted(keys)[:2]
    assert first["storage"]["used_bytes"] == 15
    rest = get(caller, query={"limit": "2", "cursor": first["next_cursor"]}).json()
    assert [one["key"] for one in rest["items"]] == sorted(keys)[2:]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "100000"},
        {"limit": "-1"},
        {"limit": "x"},
        {"cursor": "Li4vLi4"},
        {"cursor": "x" * 201},
        {"cursor": "\u202e"},
    ],
)
def test_a_page_that_no_list_has_is_refused(caller: Context, query: dict[str, str]) -> None:
    assert get(caller, query=query).status == 422


def test_a_file_tells_of_itself_and_where_it_can_be_had(caller: Context) -> None:
    key = send(caller, PNG, filename="dot.png", type="image/png").json()["key"]
    file = get(caller, key).json()
    assert (file["name"], file["size"], file["content_type"], file["status"]) == ("dot.png", 56, "image/png", "stored")
    assert (file["created_by"], file["ends_at"], file["reason"]) == (caller["key_id"], None, None)
    assert httpx.get(file["url"]).content == PNG
    waiting = plan(caller, name="a", size=1).json()["key"]
    assert (get(caller, waiting).json()["status"], get(caller, waiting).json()["url"]) == ("pending", None)


def test_a_deleted_file_is_gone_and_its_bytes_are_given_back(caller: Context) -> None:
    key, other = send(caller).json()["key"], send(caller, b"stays").json()["key"]
    assert delete(caller, key).status == 204
    assert [get(caller, key).status, delete(caller, key).status] == [404, 404]
    assert [one["key"] for one in get(caller).json()["items"]] == [other]
    assert objects(caller) == [f"t/{caller['tenant_id']}/files/{other}"]
    assert used(caller) == 5


def test_what_arrives_for_a_deleted_file_does_not_stay(caller: Context) -> None:
    planned = plan(caller, name="a.txt", size=5, content_type="text/plain").json()
    assert delete(caller, planned["key"]).status == 204
    assert put(planned["upload"], b"Hello").is_success
    assert tell(created(caller, planned["key"]))["result"] == "ignored"
    assert objects(caller) == []
    assert used(caller) == 0


@pytest.mark.parametrize(
    "key", ["fil-unknown", "..", "%2e%2e%2fother", "upload", "\u202e", "a\\b", "fil-%00", "x" * 2_000, "日本"]
)
def test_a_key_that_nobody_has_is_not_found(caller: Context, key: str) -> None:
    assert get(caller, key).status == 404
    assert delete(caller, key).status == 404
    assert call("POST", f"/api/storage/{key}/complete", caller=caller).status == 404


def test_another_tenants_files_are_not_there(caller: Context) -> None:
    key = send(caller).json()["key"]
    other = caller_context()
    assert [get(other, key).status, delete(other, key).status] == [404, 404]
    assert get(other).json()["items"] == []
    assert get(caller, key).status == 200


def test_who_may_only_look_may_not_delete(caller: Context) -> None:
    key = send(caller).json()["key"]
    viewer = caller | {"role": "viewer"}
    assert get(viewer, key).status == 200
    assert delete(viewer, key).status == 403
    assert call("POST", f"/api/storage/{key}/complete", caller=viewer).status == 403
    assert get(OPERATOR).status == 403


def test_the_limit_holds_for_what_is_sent_and_what_is_announced(caller: Context) -> None:
    small = limited(caller, 10)
    assert send(small, b"12345").status == 201
    announced = plan(small, name="a", size=5)
    assert announced.status == 201
    for refused in (send(small, b"1"), plan(small, name="a", size=1), plan(small, name="a", size=2 * GIB)):
        assert (refused.status, refused.json()["type"]) == (403, "urn:smyth:problem:limit_reached")
        assert "includes 10 bytes" in refused.json()["detail"]
    assert plan(small, name="empty", size=0).status == 201
    assert len(objects(caller)) == 1
    assert delete(small, announced.json()["key"]).status == 204
    assert send(small, b"12345").status == 201
    assert get(small).json()["storage"] == {"used_bytes": 10, "limit_bytes": 10}


def test_the_plan_says_how_much_where_the_tenant_has_no_limit_of_its_own(caller: Context) -> None:
    assert get(caller | {"plan": "basic"}).json()["storage"]["limit_bytes"] == GIB
    assert plan(caller | {"plan": "basic"}, name="a", size=2 * GIB).status == 403
    assert get(limited(caller | {"plan": "basic"}, None)).json()["storage"]["limit_bytes"] is None


def test_the_limit_is_exact_when_all_come_at_once(caller: Context) -> None:
    """Twenty files of ten bytes, announced at once where there is room for seven."""

    def expect(number: int) -> bool:
        file = new_file("a", 10, "text/plain", ulid=f"01jd{number:022d}", by="key-1", now=utc_now())
        try:
            services().files.expect(caller["tenant_id"], file, limit=75)
        except LimitReached:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(expect, range(20))) == 7
    assert used(caller) == 70
    keys = [one["key"] for one in get(caller, query={"limit": "100"}).json()["items"]]
    with ThreadPoolExecutor(8) as threads:
        gone = list(threads.map(lambda key: delete(caller, key).status, keys * 2))
    # Whoever comes second may have looked before the first was done; the bytes are given back once.
    assert set(gone) <= {204, 404}
    assert used(caller) == 0


def test_events_that_come_at_once_count_a_file_once(caller: Context) -> None:
    key = plan(caller, name="a", size=11).json()["key"]
    with ThreadPoolExecutor(5) as threads:
        told = list(threads.map(tell, [created(caller, key, size=7)] * 5))
    assert [one["result"] for one in told].count("stored") == 1
    assert used(caller) == 7


def test_a_file_that_never_came_is_swept_away_and_its_bytes_given_back(caller: Context) -> None:
    planned = plan(caller, name="a", size=9).json()
    kept = send(caller).json()["key"]
    later(seconds=PENDING_FOR.total_seconds() - 60).sweep()
    assert get(caller, planned["key"]).status == 200
    assert later(seconds=PENDING_FOR.total_seconds() + 60).sweep() >= 1
    assert get(caller, planned["key"]).status == 404
    assert [one["key"] for one in get(caller).json()["items"]] == [kept]
    assert used(caller) == 5
    assert (record(caller, planned["key"]) or {})["expires_at"] > utc_now().timestamp()


def test_a_file_with_a_time_goes_when_it_is_over(caller: Context) -> None:
    short = plan(caller, name="a", size=5, ttl=60).json()["key"]
    tell(created(caller, short))
    assert get(caller, short).json()["ends_at"] is not None
    after = later(seconds=61)
    with pytest.raises(NotFound):
        after.get(caller["tenant_id"], short)
    assert after.stored(caller["tenant_id"]) == []
    assert used(caller) == 5
    after.sweep()
    assert used(caller) == 0


def test_a_form_may_name_a_time(caller: Context) -> None:
    field = b'--limit\r\nContent-Disposition: form-data; name="ttl"\r\n\r\n%s\r\n'

    def sent(ttl: bytes) -> Answer:
        body = field % ttl + part(b"x")
        return call("POST", "/api/storage/upload", body=body, headers=FORM, caller=caller)

    assert get(caller, sent(b"3600").json()["key"]).json()["ends_at"] is not None
    assert [sent(ttl).status for ttl in (b"59", b"x", b"-1", b"31622401", b"")] == [422] * 5
    assert len(objects(caller)) == 1


@pytest.mark.parametrize("ttl", [0, 59, -1, 366 * 86_400 + 1, 1.5, "soon"])
def test_a_time_that_is_none_is_refused(caller: Context, ttl: object) -> None:
    assert plan(caller, name="a", size=1, ttl=ttl).status == 422


@pytest.mark.parametrize(
    ("content", "type"),
    [
        (b"<script>alert(1)</script>", "image/png"),
        (PNG, "application/pdf"),
        (b"PK\x03\x04" + bytes(400), "text/csv"),
        (b"MZ" + bytes(400), "text/plain"),
    ],
)
def test_content_that_is_not_what_it_is_said_to_be_is_not_kept(caller: Context, content: bytes, type: str) -> None:
    answer = send(caller, content, filename="a", type=type)
    assert (answer.status, answer.json()["type"]) == (415, "urn:smyth:problem:not_as_declared")
    assert type in answer.json()["detail"]
    assert objects(caller) == []
    assert get(caller).json()["items"] == []
    assert used(caller) == 0


def test_a_lie_that_was_uploaded_past_us_is_removed_and_told(caller: Context) -> None:
    planned = plan(caller, name="dot.png", size=len(PNG), content_type="application/pdf").json()
    assert put(planned["upload"], PNG).is_success
    assert tell(created(caller, planned["key"], size=len(PNG)))["result"] == "ignored"
    assert objects(caller) == []
    file = get(caller, planned["key"]).json()
    assert (file["status"], file["url"]) == ("refused", None)
    assert "its content is image/png" in file["reason"]
    assert used(caller) == 0
    # Again by the same address, which still works: removed again.
    assert put(planned["upload"], PNG).is_success
    tell(created(caller, planned["key"], size=len(PNG), sequencer="0B"))
    assert objects(caller) == []
    assert delete(caller, planned["key"]).status == 204
    assert get(caller, planned["key"]).status == 404


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> int:
    """Parts of five MiB, the least that S3 takes, so that tests need not move much."""
    size = 5 * 1024 * 1024
    monkeypatch.setattr(files_module, "PART_BYTES", size)
    return size


def in_parts(caller: Context, size: int) -> tuple[File, list[Any]]:
    ours, tenant_id = services().files, caller["tenant_id"]
    ulid = f"01jd{size:022d}"
    file = new_file("big.bin", size, "application/octet-stream", ulid=ulid, by="key-1", now=utc_now())
    ours.expect(tenant_id, file, limit=None)
    return file, ours.uploads(tenant_id, file)


def complete(caller: Context, key: str) -> Answer:
    return call("POST", f"/api/storage/{key}/complete", caller=caller)


def test_a_large_file_is_told_its_parts(caller: Context) -> None:
    size = 130 * 1024 * 1024
    headers = {"Idempotency-Key": "large"}
    first, again = (plan(caller, name="big", size=size, headers=headers).json() for _ in range(2))
    parts = first["multipart"]
    assert "upload" not in first
    assert (parts["part_bytes"], len(parts["parts"])) == (64 * 1024 * 1024, 3)
    assert parts["complete"] == f"/api/storage/{first['key']}/complete"
    assert first["key"] == again["key"]
    # The repetition goes on with the same upload.
    ids = {httpx.URL(one["url"]).params["uploadId"] for told in (first, again) for one in told["multipart"]["parts"]}
    assert len(ids) == 1
    assert used(caller) == size
    assert "multipart" not in plan(caller, name="not large", size=64 * 1024 * 1024).json()
    assert delete(caller, first["key"]).status == 204
    assert used(caller) == 64 * 1024 * 1024
    assert services().files._storage(caller["tenant_id"]).sent_parts(f"files/{first['key']}", ids.pop()) is None


def test_parts_that_came_become_the_file(caller: Context, small_parts: int) -> None:
    file, uploads = in_parts(caller, small_parts + 3)
    missing = complete(caller, file.key)
    assert missing.status == 409
    assert "1, 2" in missing.json()["detail"]
    for upload, size in zip(uploads, (small_parts, 3), strict=True):
        assert httpx.request(upload.method, upload.url, content=b"x" * size).is_success
    done = complete(caller, file.key)
    assert (done.status, done.json()["status"], done.json()["size"]) == (200, "stored", small_parts + 3)
    assert complete(caller, file.key).json()["status"] == "stored"
    # The event of the same object, late.
    tell(created(caller, file.key, size=small_parts + 3))
    assert used(caller) == small_parts + 3
    assert len(httpx.get(done.json()["url"]).content) == small_parts + 3


def test_a_completion_that_was_cut_off_is_done_again(caller: Context, small_parts: int) -> None:
    file, uploads = in_parts(caller, small_parts + 1)
    for upload, size in zip(uploads, (small_parts, 1), strict=True):
        httpx.request(upload.method, upload.url, content=b"x" * size)
    storage = services().files._storage(caller["tenant_id"])
    upload_id = (record(caller, file.key) or {})["upload_id"]
    storage.finish_parts(f"files/{file.key}", upload_id)
    assert get(caller, file.key).json()["status"] == "pending"
    assert complete(caller, file.key).json()["status"] == "stored"


def test_a_part_of_another_size_is_not_taken(caller: Context, small_parts: int) -> None:
    file, uploads = in_parts(caller, small_parts + 3)
    storage = services().files._storage(caller["tenant_id"])
    client, bucket = services().bucket.client, services().bucket.name
    upload_id = (record(caller, file.key) or {})["upload_id"]
    at = {"Bucket": bucket, "Key": f"t/{caller['tenant_id']}/files/{file.key}", "UploadId": upload_id}
    for number in (1, 2):
        client.upload_part(**at, PartNumber=number, Body=b"x" * small_parts)
    assert complete(caller, file.key).status == 409
    assert storage.head(f"files/{file.key}") is None
    assert objects(caller) == []
    assert len(uploads) == 2


def test_a_file_sent_in_one_needs_no_completion(caller: Context) -> None:
    key = plan(caller, name="a", size=1).json()["key"]
    assert complete(caller, key).status == 409
    assert complete(caller, send(caller).json()["key"]).status == 200
