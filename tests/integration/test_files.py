"""POST /api/storage/upload and the event that completes a presigned upload."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import pytest

from smyth.aws.files import DynamoFiles
from smyth.http.services import services
from smyth.platform.files import MAX_DIRECT_BYTES, MAX_FILE_BYTES, new_file
from smyth.platform.times import rfc3339, utc_now
from tests.integration.events import OPERATOR, Answer, Context, LambdaContext, call, caller_context, handler

FORM = {"Content-Type": "multipart/form-data; boundary=limit"}


def part(
    content: bytes, *, name: str = "file", filename: str | None = "notes.txt", type: str | None = "text/plain"
) -> bytes:
    disposition = f'form-data; name="{name}"' + ("" if filename is None else f'; filename="{filename}"')
    head = f"Content-Disposition: {disposition}\r\n" + (f"Content-Type: {type}\r\n" if type else "")
    return b"--limit\r\n" + head.encode() + b"\r\n" + content + b"\r\n--limit--\r\n"


def send(caller: Context, content: bytes = b"Hello", headers: dict[str, str] | None = None, **options: Any) -> Answer:
    body = part(content, **options)
    return call("POST", "/api/storage/upload", body=body, headers=FORM | (headers or {}), caller=caller)


def plan(caller: Context, headers: dict[str, str] | None = None, **fields: Any) -> Answer:
    return call("POST", "/api/storage/upload", body=fields, headers=headers, caller=caller)


def record(caller: Context, key: str) -> dict[str, Any] | None:
    return services().table.get(f"T#{caller['tenant_id']}", f"FILE#{key}")


def objects(caller: Context) -> list[str]:
    return services().bucket.keys(f"t/{caller['tenant_id']}/")


def created(caller: Context, key: str, **changes: Any) -> dict[str, Any]:
    found = {"key": f"t/{caller['tenant_id']}/files/{key}", "size": 5, "etag": "e1", "sequencer": "0A"} | changes
    detail = {"version": "0", "bucket": {"name": "smyth-test"}, "object": found, "reason": "PutObject"}
    return {"version": "0", "detail-type": "Object Created", "source": "aws.s3", "detail": detail}


def tell(event: Any) -> Any:
    return handler("object_created")(event, LambdaContext())


def test_a_small_file_is_kept_and_can_be_had_again(caller: Context) -> None:
    answer = send(caller, b"\x00\xff binary", filename="Grüße.bin", type="application/x-thing")
    assert answer.status == 201
    file = answer.json()
    assert (file["name"], file["size"], file["content_type"], file["status"]) == (
        "Grüße.bin",
        9,
        "application/x-thing",
        "stored",
    )
    assert objects(caller) == [f"t/{caller['tenant_id']}/files/{file['key']}"]
    assert (record(caller, file["key"]) or {})["status"] == "stored"
    got = httpx.get(file["url"])
    assert (got.status_code, got.content) == (200, b"\x00\xff binary")
    assert "upload" not in file


def test_a_download_is_saved_under_its_name_and_never_shown(caller: Context) -> None:
    url = send(caller, b"<script>", filename="evil page.html", type="text/html").json()["url"]
    assert "response-content-disposition=attachment" in url
    assert "evil page.html" in unquote(unquote(urlsplit(url).query))


@pytest.mark.parametrize(
    ("filename", "name", "ending"),
    [
        ("../../etc/passwd", "passwd", "-passwd"),
        ("C:\\\\temp\\\\a.txt", "a.txt", "-a.txt"),
        ("a b (1).PDF", "a b (1).PDF", "-a-b-1.PDF"),
        ("日本語.txt", "日本語.txt", "-txt"),
        (".htaccess", ".htaccess", "-htaccess"),
        ("x" * 251 + ".txt", "x" * 251 + ".txt", "-" + "x" * 97 + ".txt"),
        ("a\u202etxt.exe", "atxt.exe", "-atxt.exe"),
        ("%2e%2e%2fa", "%2e%2e%2fa", "-2e-2e-2fa"),
    ],
)
def test_a_name_is_shown_as_it_is_and_made_safe_as_key(caller: Context, filename: str, name: str, ending: str) -> None:
    file = send(caller, filename=filename).json()
    assert file["name"] == name
    assert file["key"].endswith(ending)
    assert file["key"].startswith("fil-")
    assert set(file["key"]) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")
    assert objects(caller) == [f"t/{caller['tenant_id']}/files/{file['key']}"]


@pytest.mark.parametrize("filename", ["..", ".", "a/", "../..", "\\\\", " ", "x" * 256])
def test_a_name_of_which_nothing_is_left_is_refused(caller: Context, filename: str) -> None:
    assert send(caller, filename=filename).status == 422
    assert plan(caller, name=filename, size=1).status == 422
    assert objects(caller) == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, "application/octet-stream"),
        ("text/plain; charset=utf-8", "text/plain; charset=utf-8"),
        ("nonsense", "application/octet-stream"),
        ("text/" + "x" * 200, "application/octet-stream"),
    ],
)
def test_a_content_type_that_is_none_becomes_bytes(caller: Context, given: str | None, kept: str) -> None:
    assert send(caller, type=given).json()["content_type"] == kept


def test_an_empty_file_is_a_file(caller: Context) -> None:
    file = send(caller, b"").json()
    assert file["size"] == 0
    assert httpx.get(file["url"]).content == b""


def test_a_file_too_large_for_here_is_told_the_other_way(caller: Context) -> None:
    answer = send(caller, b"x" * (MAX_DIRECT_BYTES + 1))
    assert answer.status == 413
    assert "as JSON" in answer.json()["detail"]
    assert objects(caller) == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (part(b"x", name="other"), FORM["Content-Type"]),
        (part(b"x", filename=None), FORM["Content-Type"]),
        (b"--limit--\r\n", FORM["Content-Type"]),
        (b"no form at all", FORM["Content-Type"]),
        (part(b"x"), "multipart/form-data"),
        (part(b"x")[:-20], FORM["Content-Type"]),
        (part(b"x").replace(b"--limit--", b"") + part(b"y"), FORM["Content-Type"]),
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b'{"name": "\\ud800", "size": 1}', "application/json"),
        (b"\x00" * 10, "application/octet-stream"),
        (b'{"name": "a", "size": ' + b"[" * 50_000, "application/json"),
    ],
)
def test_what_is_neither_a_form_with_a_file_nor_a_plan_is_refused(
    caller: Context, body: bytes, content_type: str
) -> None:
    answer = call("POST", "/api/storage/upload", body=body, headers={"Content-Type": content_type}, caller=caller)
    assert answer.status in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]
    assert objects(caller) == []


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"name": "a.txt"},
        {"size": 1},
        {"name": "a.txt", "size": -1},
        {"name": "a.txt", "size": MAX_FILE_BYTES + 1},
        {"name": "a.txt", "size": "much"},
        {"name": "a.txt", "size": 1, "content_type": "text"},
        {"name": "a.txt", "size": 1, "content_type": "text/html\r\nx-evil: 1"},
        {"name": "a.txt", "size": 1, "key": "mine"},
        {"name": "x" * 2_000, "size": 1},
    ],
)
def test_a_plan_that_is_not_valid_is_refused(caller: Context, fields: dict[str, Any]) -> None:
    answer = plan(caller, **fields)
    assert answer.status == 422
    assert answer.json()["errors"]
    assert objects(caller) == []


def test_a_large_file_goes_straight_to_the_bucket_and_its_event_completes_the_record(caller: Context) -> None:
    answer = plan(caller, name="big.csv", size=11, content_type="text/csv")
    assert answer.status == 201
    file = answer.json()
    assert (file["status"], file["size"], "url" in file) == ("pending", 11, False)
    assert (record(caller, file["key"]) or {})["lease_sk"] > rfc3339(utc_now())
    upload = file["upload"]
    assert httpx.request(upload["method"], upload["url"], headers=upload["headers"], content=b"hello,world").is_success
    event = created(caller, file["key"], size=11, etag="abc")
    assert tell(event)["result"] == "stored"
    kept = record(caller, file["key"]) or {}
    assert (kept["status"], kept["size"], kept["etag"]) == ("stored", 11, "abc")
    assert "lease_sk" not in kept


def test_the_event_says_what_really_came(caller: Context) -> None:
    key = plan(caller, name="a", size=11).json()["key"]
    tell(created(caller, key, size=3))
    assert (record(caller, key) or {})["size"] == 3


def test_a_repeated_event_changes_nothing_and_an_older_one_neither(caller: Context) -> None:
    key = plan(caller, name="a", size=2).json()["key"]
    tell(created(caller, key, size=2, sequencer="0B"))
    before = record(caller, key)
    assert tell(created(caller, key, size=2, sequencer="0B"))["result"] == "ignored"
    assert tell(created(caller, key, size=1, sequencer="0A"))["result"] == "ignored"
    assert record(caller, key) == before
    assert tell(created(caller, key, size=4, sequencer="0C"))["result"] == "stored"
    assert (record(caller, key) or {})["size"] == 4


def test_the_event_of_a_small_file_leaves_it_stored(caller: Context) -> None:
    key = send(caller).json()["key"]
    assert tell(created(caller, key, size=5))["result"] == "stored"
    assert (record(caller, key) or {})["status"] == "stored"


@pytest.mark.parametrize(
    "place",
    [
        "t/{tenant}/agents/a/b.json",
        "t/{tenant}/files/",
        "t/{tenant}/files/a/b",
        "t//files/a",
        "other",
        "",
        "x/{tenant}/files/a",
    ],
)
def test_an_object_elsewhere_is_ignored(caller: Context, place: str) -> None:
    event = created(caller, "")
    event["detail"]["object"]["key"] = place.format(tenant=caller["tenant_id"])
    assert tell(event)["result"] == "ignored"


def test_a_file_that_nobody_expects_gets_no_record(caller: Context) -> None:
    assert tell(created(caller, "fil-unknown"))["result"] == "ignored"
    assert record(caller, "fil-unknown") is None


@pytest.mark.parametrize(
    "event",
    [
        {},
        None,
        [],
        "text",
        {"Records": [{"eventSource": "aws:s3"}]},
        {"source": "aws.s3", "detail-type": "Object Restored", "detail": {"object": {"key": "a", "size": 1}}},
        {"source": "aws.s3", "detail-type": "Object Created", "detail": {}},
        {"source": "aws.s3", "detail-type": "Object Created", "detail": {"object": {"key": "a", "size": -1}}},
        {"source": "my.app", "detail-type": "Object Created", "detail": {"object": {"key": "a", "size": 1}}},
    ],
)
def test_a_bad_event_is_an_error_that_says_what_is_wrong(event: Any) -> None:
    with pytest.raises(ValueError, match="Object Created"):
        tell(event)


def test_the_same_idempotency_key_makes_one_file(caller: Context) -> None:
    headers = {"Idempotency-Key": "upload-1"}
    first, second = send(caller, headers=headers), send(caller, headers=headers)
    assert (first.status, second.status) == (201, 201)
    assert first.json()["key"] == second.json()["key"]
    assert httpx.get(second.json()["url"]).content == b"Hello"
    assert len(objects(caller)) == 1
    assert send(caller, b"Other", headers=headers).status == 422
    planned = [plan(caller, headers={"Idempotency-Key": "plan-1"}, name="a", size=1).json() for _ in range(2)]
    assert planned[0]["key"] == planned[1]["key"]
    assert planned[1]["upload"]["method"] == "PUT"


def test_a_record_that_is_there_is_not_made_anew(caller: Context) -> None:
    """A request that is done again after a crash finds the record of the first try, perhaps completed."""
    records = DynamoFiles(services().table)
    file = new_file("a.txt", 1, "text/plain", ulid="01jd0000000000000000000000", by="key-1", now=utc_now())
    assert records.add(caller["tenant_id"], file, limit=1)
    assert records.replace(caller["tenant_id"], file, file.model_copy(update={"status": "stored"}))
    assert records.add(caller["tenant_id"], file, limit=1)
    assert records.used(caller["tenant_id"]) == 1
    found = records.get(caller["tenant_id"], file.key)
    assert found is not None
    assert found.status == "stored"


def test_who_may_not_write_may_not_upload(caller: Context) -> None:
    assert send(caller_context(role="viewer")).status == 403
    assert send(OPERATOR).status == 403
    assert call("POST", "/api/storage/upload", body={"name": "a", "size": 1}).status == 401


def test_the_signature_of_an_address_is_not_logged(caller: Context, capsys: pytest.CaptureFixture[str]) -> None:
    url = plan(caller, name="a", size=1).json()["upload"]["url"]
    signature = url.split("X-Amz-Signature=")[1]
    printed = capsys.readouterr()
    assert len(signature) == 64
    assert signature not in printed.out + printed.err
