from __future__ import annotations

import json
from pathlib import Path

from tests.unit.cli.conftest import Api, Ran, Smyth

DOCUMENT = {
    "id": "doc-1",
    "name": "a.txt",
    "namespace": "handbook",
    "status": "ready",
    "etag": "",
    "error": None,
    "indexed": {"version": "v", "at": "2026-06-01T00:00:00.000Z", "chunks": 3},
}


def at(smyth: Smyth, api: Api, *arguments: str) -> Ran:
    return smyth("knowledge", *arguments, "--url", api.url, "--key", "k")


def expect(api: Api, **document: object) -> None:
    upload = {"url": f"{api.url}/put", "method": "PUT", "headers": {"content-type": "text/plain"}}
    api.answers["POST /api/knowledge"] = (201, {"id": "doc-1", "upload": upload})
    api.answers["PUT /put"] = (200, b"")
    api.answers["GET /api/knowledge/doc-1"] = (200, DOCUMENT | document)


def test_add_uploads_a_file_and_tells_how_many_pieces_it_has(smyth: Smyth, api: Api, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Alpha")
    expect(api)
    ran = at(smyth, api, "add", str(tmp_path / "a.txt"), "-n", "handbook")
    assert ran.code == 0, ran.err
    assert ran.out.split()[-4:] == ["doc-1", "a.txt", "ready", "3"]
    planned, put = api.asked[0], api.asked[1]
    assert json.loads(planned[3]) == {
        "namespace": "handbook",
        "name": "a.txt",
        "size": 5,
        "content_type": "text/plain",
    }
    # The address is the right: the key goes to the server alone.
    assert (put[0], put[1], put[2], put[3]) == ("PUT", "/put", None, b"Alpha")


def test_add_ends_with_one_when_a_document_fails(smyth: Smyth, api: Api, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Alpha")
    expect(api, status="failed", error="No text.", indexed=None)
    ran = at(smyth, api, "add", str(tmp_path / "a.txt"), "-n", "handbook")
    assert ran.code == 1
    assert "No text." in ran.out


def test_an_upload_that_is_refused_is_told_in_a_line(smyth: Smyth, api: Api, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Alpha")
    expect(api)
    api.answers["PUT /put"] = (403, b"")
    ran = at(smyth, api, "add", str(tmp_path / "a.txt"), "-n", "handbook")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "could not be uploaded" in ran.err


def test_ls_asks_for_what_is_wanted(smyth: Smyth, api: Api) -> None:
    api.answers["GET /api/knowledge"] = (200, {"items": [DOCUMENT], "next_cursor": None})
    assert "handbook" in at(smyth, api, "ls", "--status", "ready").out
    assert at(smyth, api, "ls", "--json").json() == [DOCUMENT]
    assert "status=ready" in api.asked[0][1]


def test_search_tells_score_page_and_text(smyth: Smyth, api: Api) -> None:
    source = {"document_id": "doc-1", "name": "a.pdf", "page": 7, "section": "Travel"}
    hit = {"text": "Trains\nare booked.", "score": 0.71234, "source": source}
    api.answers["POST /api/knowledge/search"] = (200, {"hits": [hit]})
    out = at(smyth, api, "search", "who books", "-n", "handbook", "--document", "doc-1").out
    assert "0.712" in out
    assert "a.pdf, page 7, Travel" in out
    assert "Trains are booked." in out
    asked = {"namespace": "handbook", "query": "who books", "top_k": 5, "document_id": "doc-1"}
    assert json.loads(api.asked[0][3]) == asked


def test_show_and_rm_name_one_document(smyth: Smyth, api: Api) -> None:
    api.answers["GET /api/knowledge/doc-1"] = (200, DOCUMENT)
    api.answers["DELETE /api/knowledge/doc-1"] = (202, DOCUMENT)
    assert at(smyth, api, "show", "doc-1").json() == DOCUMENT
    assert at(smyth, api, "rm", "doc-1").out == "deleting doc-1\n"
    at(smyth, api, "rm", "../keys")
    assert api.asked[-1][1] == "/api/knowledge/..%2Fkeys"
