"""``smyth files``, and what agents store with ``--data``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from smyth.sdk import Agent
from tests.unit.cli.conftest import Api, Ran, Smyth
from tests.unit.engine.workflows import document, endpoint, output, part

FILE: dict[str, Any] = {
    "key": "fil-1-a.txt",
    "name": "a.txt",
    "size": 5,
    "content_type": "text/plain",
    "status": "stored",
    "reason": None,
    "created_at": "2026",
    "ends_at": None,
}
USE = {"used_bytes": 1_234, "limit_bytes": 5_000}


def at(smyth: Smyth, api: Api, *arguments: str | Path) -> Ran:
    return smyth("files", *arguments, "--url", api.url, "--key", "k")


def keeper() -> dict[str, Any]:
    return document(
        endpoint({"name": "doc", "type": "Binary"}),
        part("S", "FileStore", {"name": "kept", "ttl": 86_400}, inputs=("Data",), outputs=("Url!",)),
        output("url"),
        wires=("E.body.doc > S.Data", "S.Url > O.url"),
    )


def test_files_are_listed_with_what_they_take_up(smyth: Smyth, api: Api) -> None:
    api.answers["GET /api/storage"] = (200, {"items": [FILE], "next_cursor": None, "storage": USE})
    ran = at(smyth, api, "ls")
    assert "fil-1-a.txt" in ran.out
    assert "1,234 bytes of 5,000" in ran.out
    assert at(smyth, api, "ls", "--json").json() == [FILE]


def test_a_small_file_goes_with_the_request(smyth: Smyth, api: Api, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Hello")
    api.answers["POST /api/storage/upload"] = (201, FILE)
    assert at(smyth, api, "put", tmp_path / "a.txt", "--ttl", "60").out == "fil-1-a.txt\n"
    body = api.asked[-1][3]
    assert b'filename="a.txt"' in body
    assert b"text/plain" in body
    assert b"Hello" in body
    assert b'name="ttl"' in body


def test_a_larger_file_goes_by_its_address(smyth: Smyth, api: Api, tmp_path: Path) -> None:
    (tmp_path / "b.bin").write_bytes(b"x" * 5_000_000)
    upload = {"url": f"{api.url}/bucket", "method": "PUT", "headers": {"content-type": "application/octet-stream"}}
    api.answers["POST /api/storage/upload"] = (201, FILE | {"upload": upload})
    api.answers["PUT /bucket"] = (200, {})
    assert at(smyth, api, "put", tmp_path / "b.bin", "--name", "c.bin").code == 0
    assert json.loads(api.asked[0][3]) == {
        "name": "c.bin",
        "size": 5_000_000,
        "content_type": "application/octet-stream",
    }
    assert len(api.asked[1][3]) == 5_000_000


def test_a_file_in_parts_is_cut_and_completed(smyth: Smyth, api: Api, tmp_path: Path) -> None:
    (tmp_path / "b.bin").write_bytes(b"1" * 4_000_000 + b"2" * 4_000_000 + b"3")
    parts = [{"url": f"{api.url}/part{number}", "method": "PUT", "headers": {}} for number in range(3)]
    complete = "/api/storage/fil-1-a.txt/complete"
    multipart = {"part_bytes": 4_000_000, "parts": parts, "complete": complete}
    api.answers["POST /api/storage/upload"] = (201, FILE | {"status": "pending", "multipart": multipart})
    api.answers |= {f"PUT /part{number}": (200, {}) for number in range(3)}
    api.answers[f"POST {complete}"] = (200, FILE)
    assert at(smyth, api, "put", tmp_path / "b.bin").out == "fil-1-a.txt\n"
    sent = [asked[3] for asked in api.asked[1:4]]
    assert [(one[:1], len(one)) for one in sent] == [(b"1", 4_000_000), (b"2", 4_000_000), (b"3", 1)]
    assert api.asked[-1][1] == complete


def test_a_storage_that_refuses_is_told(smyth: Smyth, api: Api, tmp_path: Path) -> None:
    (tmp_path / "b.bin").write_bytes(b"x" * 5_000_000)
    upload = {"url": f"{api.url}/bucket", "method": "PUT", "headers": {}}
    api.answers["POST /api/storage/upload"] = (201, FILE | {"upload": upload})
    api.answers["PUT /bucket"] = (403, {})
    ran = at(smyth, api, "put", tmp_path / "b.bin")
    assert (ran.code, ran.out) == (1, "")
    assert "HTTP 403" in ran.err


def test_a_file_that_is_not_there_is_told(smyth: Smyth, api: Api) -> None:
    ran = at(smyth, api, "put", "missing.txt")
    assert (ran.code, "missing.txt cannot be read" in ran.err, api.asked) == (1, True, [])


@pytest.mark.parametrize("name", ["a.txt", "../../a.txt", "/etc/a.txt"])
def test_a_download_stays_in_the_folder_whatever_the_server_calls_it(
    smyth: Smyth, api: Api, tmp_path: Path, name: str
) -> None:
    api.answers["GET /api/storage/fil-1-a.txt"] = (200, FILE | {"name": name, "url": f"{api.url}/content"})
    api.answers["GET /content"] = (200, {"the": "content"})
    assert at(smyth, api, "get", "fil-1-a.txt").out == "a.txt\n"
    assert json.loads((tmp_path / "a.txt").read_bytes()) == {"the": "content"}
    again = at(smyth, api, "get", "fil-1-a.txt")
    assert (again.code, "is there already" in again.err) == (1, True)
    assert at(smyth, api, "get", "fil-1-a.txt", "-o", "b.txt").out == "b.txt\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.txt"]


def test_a_download_that_fails_leaves_nothing(smyth: Smyth, api: Api, tmp_path: Path) -> None:
    api.answers["GET /api/storage/fil-1-a.txt"] = (200, FILE | {"url": f"{api.url}/content"})
    api.answers["GET /content"] = (403, {})
    assert at(smyth, api, "get", "fil-1-a.txt").code == 1
    assert list(tmp_path.iterdir()) == []


def test_a_refused_file_says_why_it_cannot_be_had(smyth: Smyth, api: Api) -> None:
    refused = FILE | {"url": None, "status": "refused", "reason": "It is no PDF."}
    api.answers["GET /api/storage/fil-1-a.txt"] = (200, refused)
    ran = at(smyth, api, "get", "fil-1-a.txt")
    assert (ran.code, "refused: It is no PDF." in ran.err) == (1, True)


def test_files_are_deleted_by_their_keys(smyth: Smyth, api: Api) -> None:
    api.answers["DELETE /api/storage/fil-1-a.txt"] = (204, None)
    api.answers["DELETE /api/storage/fil-2"] = (204, None)
    assert at(smyth, api, "rm", "fil-1-a.txt", "fil-2").out == "deleted fil-1-a.txt\ndeleted fil-2\n"
    at(smyth, api, "rm", "../agents")
    assert api.asked[-1][1] == "/api/storage/..%2Fagents"


def test_what_an_agent_stores_outlives_the_command(smyth: Smyth, tmp_path: Path) -> None:
    (tmp_path / "keeper.smyth").write_text(json.dumps(keeper()))
    body = json.dumps({"doc": "Hello there"})
    ran = smyth("run", "keeper.smyth", "--path", "/api/go", "--body", body, "--data", "data", "--json")
    assert ran.code == 0, ran.err
    url = ran.json()["data"]["url"]
    assert Path(unquote(urlsplit(url).path)).read_text() == "Hello there"
    assert Path(unquote(urlsplit(url).path)).is_relative_to(tmp_path / "data")


def test_a_folder_for_data_is_for_agents_of_files(smyth: Smyth, api: Api) -> None:
    ran = smyth("prompt", "agt-1", "hi", "--data", "d", "--url", api.url, "--key", "k")
    assert (ran.code, "--data is for files" in ran.err) == (2, True)


def test_an_agent_called_from_python_keeps_its_files_in_a_folder(tmp_path: Path) -> None:
    agent = Agent.load(keeper(), data=tmp_path / "data")
    answer = agent.call_sync("POST", "/api/go", body={"doc": "Hello there"})
    assert Path(unquote(urlsplit(answer["data"]["url"]).path)).read_text() == "Hello there"
