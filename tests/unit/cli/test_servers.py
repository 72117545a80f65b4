from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import PROJECT, Api, Ran, Smyth

ASSISTANT = PROJECT / "examples/assistant.smyth"


def running_dev(tmp_path: Path, api: Api) -> None:
    """Leave what ``smyth dev`` writes when it runs."""
    (tmp_path / ".smyth").mkdir()
    (tmp_path / ".smyth/dev.json").write_text(json.dumps({"url": api.url, "tenant_key": "key-of-the-laptop"}))


def test_the_running_laptop_cloud_is_the_default(smyth: Smyth, api: Api, tmp_path: Path) -> None:
    running_dev(tmp_path, api)
    api.answers["GET /api/agents"] = (
        200,
        {"items": [{"id": "agt-1", "name": "[x]", "version": 2}], "next_cursor": None},
    )
    ran = smyth("list")
    assert ran.code == 0
    assert "agt-1" in ran.out
    assert "[x]" in ran.out
    assert api.asked[0][2] == "key-of-the-laptop"


def test_the_laptops_key_is_sent_to_no_other_server(smyth: Smyth, api: Api, tmp_path: Path) -> None:
    running_dev(tmp_path, Api(url="http://127.0.0.1:1"))
    ran = smyth("list", "--url", api.url)
    assert (ran.code, api.asked) == (1, [])
    assert "--key" in ran.err


def test_environment_and_options_name_the_server(
    smyth: Smyth, api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running_dev(tmp_path, Api(url="http://127.0.0.1:1"))
    monkeypatch.setenv("SMYTH_URL", f"{api.url}/")
    monkeypatch.setenv("SMYTH_KEY", "from-environment")
    api.answers["GET /api/agents"] = (200, {"items": [], "next_cursor": None})
    assert smyth("list", "--json").json() == {"items": [], "next_cursor": None}
    assert smyth("list", "--key", "from-option").code == 0
    assert [asked[2] for asked in api.asked] == ["from-environment", "from-option"]


def at(smyth: Smyth, api: Api, *arguments: str | Path) -> Ran:
    return smyth(*arguments, "--url", api.url, "--key", "k")


def test_list_follows_the_cursor_up_to_the_limit(smyth: Smyth, api: Api) -> None:
    items = [{"id": f"agt-{number}", "name": "n", "version": 1} for number in range(3)]
    api.answers["GET /api/agents"] = (200, {"items": items, "next_cursor": "next"})
    ran = at(smyth, api, "list", "--limit", "5", "--q", "a b", "--json")
    assert [asked[1] for asked in api.asked] == [
        "/api/agents?limit=5&q=a+b",
        "/api/agents?limit=2&q=a+b&cursor=next",
    ]
    assert ran.json()["next_cursor"] == "next"


def test_import_sends_the_file_under_its_name_and_tells_the_warnings(smyth: Smyth, api: Api) -> None:
    answer = {"id": "agt-1", "name": "A", "version": 1, "warnings": [{"message": "odd"}]}
    api.answers["POST /api/agents/import"] = (201, answer)
    ran = at(smyth, api, "import", ASSISTANT)
    assert ran.out == "agt-1  A  version 1\nwarning: odd\n"
    assert ASSISTANT.read_bytes() in api.asked[0][3]
    assert b'filename="assistant.smyth"' in api.asked[0][3]
    assert at(smyth, api, "import", ASSISTANT, "--json").json() == answer


def test_export_gives_the_bytes_and_asks_for_no_other_path(smyth: Smyth, api: Api, tmp_path: Path) -> None:
    api.answers["GET /api/agents/..%2Fkeys/export"] = (200, ASSISTANT.read_bytes())
    assert at(smyth, api, "export", "../keys", "--version", "3").out == ASSISTANT.read_text()
    assert api.asked[0][1] == "/api/agents/..%2Fkeys/export?version=3"
    assert at(smyth, api, "export", "../keys", "-o", "out.smyth").code == 0
    assert (tmp_path / "out.smyth").read_bytes() == ASSISTANT.read_bytes()
    assert at(smyth, api, "export", "../keys", "-o", "no/such/folder").code == 1


def stream(*events: dict[str, Any]) -> bytes:
    """Events as a server sends them, with a heartbeat between them."""
    return b": still at work\n\n".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def test_prompt_and_chat_speak_with_an_agent_on_a_server(smyth: Smyth, api: Api, tmp_path: Path) -> None:
    end = {"type": "end", "output": "yes", "model": "m", "usage": {}, "cost": "0.000000"}
    api.answers["POST /api/agents/agt-1/stream"] = (200, stream({"type": "content", "text": "yes"}, end))
    assert at(smyth, api, "prompt", "agt-1", "Well?", "--model", "m", "--var", "a=b").out == "yes\n"
    assert json.loads(api.asked[0][3]) == {"message": "Well?", "model": "m", "variables": {"a": "b"}}
    (tmp_path / "note.txt").write_text("hi")
    remembered = {"conversation_id": "c1"}
    api.answers["POST /api/agents/agt-1/stream"] = (200, stream({"type": "start", **remembered}, end | remembered))
    ran = at(smyth, api, "chat", "agt-1", "Hi", "--conversation", "c0", "--file", "note.txt")
    assert (ran.out, "--conversation c1" in ran.err) == ("yes\n", True)
    file = {"data": "aGk=", "name": "note.txt", "content_type": "text/plain"}
    assert json.loads(api.asked[1][3]) == {"message": "Hi", "conversation_id": "c0", "chat": True, "files": [file]}


def test_guardrails_and_warnings_are_told_beside_the_answer(smyth: Smyth, api: Api) -> None:
    acted = {"type": "guardrail", "stage": "output", "rule": "pii", "action": "masked", "count": 1}
    end = {"type": "end", "output": "***", "warnings": ["The model does not read text/csv."]}
    api.answers["POST /api/agents/agt-1/stream"] = (200, stream({"type": "content", "text": "***"}, acted, end))
    ran = at(smyth, api, "prompt", "agt-1", "Well?")
    assert ran.out == "***\n"
    assert ran.err.splitlines() == ["! guardrail pii: masked in output", "The model does not read text/csv."]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, stream({"type": "start"}, {"type": "error", "message": "The model failed. Try again."})), "Try again."),
        ((200, stream({"type": "start"}, {"type": "content", "text": "Half"})), "broke off before its end"),
        ((402, {"title": "Payment Required", "detail": "Your credit is used up."}), "credit is used up. (HTTP 402)"),
    ],
)
def test_an_answer_that_fails_is_one_line_and_one(smyth: Smyth, api: Api, answer: tuple[int, Any], words: str) -> None:
    api.answers["POST /api/agents/agt-1/stream"] = answer
    ran = at(smyth, api, "prompt", "agt-1", "Well?")
    assert ran.code == 1
    assert words in ran.err.splitlines()[-1]


def test_a_refusal_is_one_line_in_the_servers_words(smyth: Smyth, api: Api) -> None:
    problem = {"title": "Unprocessable", "detail": "Cannot be used.", "errors": [{"message": "Connection 1 is loose."}]}
    api.answers["POST /api/agents/import"] = (422, problem)
    ran = at(smyth, api, "import", ASSISTANT)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "smyth: Cannot be used. Connection 1 is loose. (HTTP 422)\n"


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b'{"detail": null}', b"\xff"])
def test_an_answer_that_is_no_problem_document_is_told_by_its_status(smyth: Smyth, api: Api, answer: bytes) -> None:
    api.answers["GET /api/agents"] = (502, answer)
    ran = at(smyth, api, "list")
    assert ran.code == 1
    assert "HTTP 502" in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense", "http://[", "ftp://x"])
def test_a_server_that_is_not_there_is_one_line(smyth: Smyth, url: str) -> None:
    ran = smyth("list", "--url", url, "--key", "k")
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert "SMYTH_DEBUG" not in ran.err


def test_without_any_server_the_way_to_one_is_told(smyth: Smyth) -> None:
    ran = smyth("list")
    assert ran.code == 1
    assert "smyth dev" in ran.err
