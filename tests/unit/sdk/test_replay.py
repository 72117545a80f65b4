"""Replaying recorded cases."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from smyth.sdk.compat import Result, replay
from smyth.sdk.compat import peer as peer_server
from tests.unit.engine.workflows import document, endpoint, output

ECHO = document(
    endpoint("a"), output("a"), wires=("E.body.a > O.a",), variables={"t": "{{KEY(T)}}"}, id="echo", teamId="default"
)


def write(directory: Path, name: str, *requests: dict[str, Any], **members: Any) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    filled = [{"method": "POST", "path": "/api/go", **request} for request in requests]
    (directory / f"{name}.json").write_text(json.dumps({"name": name, "agent": ECHO, "requests": filled, **members}))


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    directory = tmp_path / "cases"
    write(
        directory,
        "mixed",
        {"body": {"a": 1}, "expect": {"data": {"a": 1}}},
        {"body": {"a": 1}, "expect": {"data": {"a": 2}}},
        {"body": {"a": 1}, "expect": {"data": []}, "quirk": "Q66 foreach-stall"},
        {"body": {"a": 1}, "expect": {"data": {"a": 1}}, "quirk": "Q66 foreach-stall"},
        {"body": {"a": "{{v}}"}, "expect": {"data": {"a": "given"}}},
        {"path": "/nope", "expect": {"status": 404, "data": {"error": "Endpoint not found"}}},
        variables={"v": "given"},
    )
    return directory


def test_requests_that_pin_a_bug_are_counted_apart(cases: Path) -> None:
    lines: list[str] = []
    assert replay(cases, report=lines.append) == Result(cases=1, passed=3, failed=1, bugs_mended=1, bugs_kept=1)
    assert lines == [
        "mixed#1 /data/a: expected 2, got 1",
        'mixed#2 (pins bug 66) /data: expected [], got {"a": 1}',
        "2 more pin a bug of the original: 1 answered differently, 1 alike",
        "3 passed, 1 failed",
    ]


def test_an_unmarked_bug_counts_as_failed_and_is_told(tmp_path: Path) -> None:
    write(tmp_path, "foreach-diamond-results-array", {"body": {"a": 1}, "expect": {"data": []}})
    lines: list[str] = []
    assert replay(tmp_path, report=lines.append).failed == 1
    assert "(shows bug 66, unmarked)" in lines[0]


def test_the_answers_are_written_one_file_per_case(cases: Path, tmp_path: Path) -> None:
    replay(cases, record=tmp_path / "new" / "out", report=lambda line: None)
    written = json.loads((tmp_path / "new" / "out" / "mixed.json").read_text())
    assert written["requests"][0] == {"data": {"a": 1}}
    assert len(written["requests"]) == 6


def test_the_vault_lies_beside_the_cases_unless_named(cases: Path, tmp_path: Path) -> None:
    """A secret shows by what a caller must not be able to print with it."""
    write(cases, "secret", {"body": {"a": "{{t}}"}, "expect": {"data": {"a": "{{t}}"}}})
    assert replay(cases, report=lambda line: None).failed == 2
    (tmp_path / "vault.json").write_text(json.dumps({"default": {"T": "s"}}))
    assert replay(cases, report=lambda line: None).failed == 1
    (tmp_path / "other.json").write_text(json.dumps({"elsewhere": {}}))
    assert replay(cases, vault=tmp_path / "other.json", report=lambda line: None).failed == 2


@pytest.mark.parametrize("content", ["{", "[]", '{"agent": {}}', '{"agent": {}, "requests": [{"path": "/"}]}'])
def test_a_file_that_is_no_case_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "odd.json").write_text(content)
    with pytest.raises(ValueError, match=r"odd\.json is no recorded case"):
        replay(tmp_path, report=lambda line: None)


def test_a_directory_without_cases_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no cases"):
        replay(tmp_path)


def test_a_document_that_cannot_be_loaded_fails_its_requests(tmp_path: Path) -> None:
    write(tmp_path, "bad", {"expect": {"data": []}}, agent={"components": 5})
    assert replay(tmp_path, report=lambda line: None).failed == 1


SERVER = """
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    server.accept()[0].close()
"""


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        number: int = free.getsockname()[1]
    monkeypatch.setattr(peer_server, "PORT", number)
    return number


def test_the_peer_runs_while_cases_are_replayed_and_no_longer(port: int, tmp_path: Path) -> None:
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    with peer_server.running(f"{sys.executable} {script} {port}"):
        assert peer_server.is_open()
    assert not peer_server.is_open()


def test_a_peer_that_runs_already_is_left_alone(port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        with peer_server.running("false"):
            assert peer_server.is_open()
        assert peer_server.is_open()


def test_a_peer_that_does_not_start_is_told(port: int) -> None:
    with (
        pytest.raises(RuntimeError, match="ended with code 3"),
        peer_server.running(f'{sys.executable} -c "raise SystemExit(3)"'),
    ):
        pass
