from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.events import proxy_event
from tests.unit.cli.conftest import PROJECT, Smyth

EXAMPLES = PROJECT / "examples"
HASH = EXAMPLES / "hash-api.smyth"


def test_run_prints_what_the_endpoint_answers(smyth: Smyth) -> None:
    arguments = ("run", HASH, "--method", "post", "--path", "/api/hash", "--body", '{"text": "Hello World"}')
    ran = smyth(*arguments, "--json")
    assert ran.code == 0
    assert ran.json()["data"]["md5"] == "b10a8db164e0754105b7a99be72e3fe5"
    assert json.loads(smyth(*arguments).out)["md5"] == "b10a8db164e0754105b7a99be72e3fe5"


def test_run_takes_bodies_from_files_queries_and_variables(smyth: Smyth, tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text('{"name": "Ada"}')
    ran = smyth(
        *("run", EXAMPLES / "echo-chat.smyth", "--path", "/api/greet", "--body", "@body.json"),
        *("--var", "salutation=Hello", "--query", "a=b=c", "--header", "x-y=z", "--json"),
    )
    assert ran.json() == {"data": {"greeting": "Hello, Ada!"}}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--path", "/api/nope"], 1, "Endpoint POST /api/nope Not Found"),
        (["--path", "/elsewhere"], 1, "Endpoint not found"),
        (["--path", "/api/hash", "--body", "{"], 2, "--body is not JSON"),
        (["--path", "/api/hash", "--body", "@gone.json"], 1, "gone.json cannot be read"),
        (["--path", "/api/hash", "--query", "novalue"], 2, "--query takes key=value"),
        (["--path", "/api/hash", "--vault", str(HASH)], 1, "no vault file"),
    ],
)
def test_run_fails_with_one_line(smyth: Smyth, arguments: list[str], code: int, words: str) -> None:
    ran = smyth("run", HASH, *arguments)
    assert ran.code == code
    assert words in ran.err
    assert ran.err.count("\n") == 1
    assert ran.out == ""


def test_run_prints_a_failed_answer_whole_for_programs(smyth: Smyth) -> None:
    ran = smyth("run", HASH, "--path", "/api/nope", "--json")
    assert (ran.code, ran.json()) == (1, {"data": {"error": "Endpoint POST /api/nope Not Found"}})


def test_a_file_that_is_no_agent_is_named_with_its_fault(smyth: Smyth, tmp_path: Path) -> None:
    (tmp_path / "bad.smyth").write_text('{"components": 5, "connections": []}')
    for command in (
        ["run", "bad.smyth", "--path", "/api/x"],
        ["chat", "bad.smyth", "hi"],
        ["prompt", "no.smyth", "hi"],
    ):
        ran = smyth(*command)
        assert ran.code == 1
        assert ran.err.startswith(f"smyth: {command[1]}")
        assert ran.err.count("\n") == 1


def test_validate_tells_errors_and_warnings_apart(smyth: Smyth, tmp_path: Path) -> None:
    assert smyth("validate", HASH).code == 0
    document: dict[str, Any] = json.loads(HASH.read_text())
    first = next(part for part in document["components"] if part["name"] == "APIEndpoint")
    document["components"].append({**first, "id": "again"})
    (tmp_path / "warned.smyth").write_text(json.dumps(document))
    assert smyth("validate", "warned.smyth").code == 0
    assert smyth("validate", "warned.smyth", "--strict").code == 1
    document["connections"][0]["targetId"] = "gone"
    (tmp_path / "broken.smyth").write_text(json.dumps(document))
    ran = smyth("validate", "broken.smyth", "--json")
    assert ran.code == 1
    assert not ran.json()["valid"]
    assert [(one["level"], one["code"]) for one in ran.json()["findings"]] == [
        ("error", "dangling_connection"),
        ("warning", "duplicate_endpoint"),
    ]
    (tmp_path / "no.smyth").write_text("hello")
    assert "1 errors" in smyth("validate", "no.smyth").out


def test_prompt_and_chat_speak_with_a_file(smyth: Smyth, monkeypatch: pytest.MonkeyPatch) -> None:
    echo = EXAMPLES / "echo-chat.smyth"
    assert smyth("prompt", echo, "Hello").out == "Hello\n"
    answer = smyth("prompt", echo, "Hello", "--json").json()
    assert (answer["output"], answer["model"], answer["cost"]) == ("Hello", "Echo", "0.000000")
    assert smyth("chat", echo, "Hi").out == "Hi\n"
    monkeypatch.setattr("sys.stdin", io.StringIO("one\n\ntwo\nexit\nthree\n"))
    assert smyth("chat", echo).out == "one\ntwo\n"


def test_an_unknown_model_is_one_clear_line(smyth: Smyth) -> None:
    ran = smyth("prompt", EXAMPLES / "echo-chat.smyth", "Hello", "--model", "echo")
    assert ran.code == 1
    assert "'echo'" in ran.err
    assert ran.err.count("\n") == 1


def test_invoke_calls_a_handler_as_lambda_would(tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps(proxy_event("GET", "/health")))
    # A process of its own: the handler reads its environment once.
    code = "from smyth.cli.main import main; main()"
    given = ["--event", str(event), "--env", "TABLE_NAME=t", "--env", "BUCKET_NAME=b"]
    ran = subprocess.run([sys.executable, "-c", code, "invoke", "health", *given], capture_output=True, check=True)
    answer = json.loads(ran.stdout)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["status"] == "ok"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nope", "--event", "x.json"], 2, "add_skill"),
        (["health", "--event", "x.json"], 1, "x.json cannot be read"),
        (["health", "--event", str(HASH), "--env", "A"], 2, "--env takes key=value"),
        (["health"], 2, "--event"),
        (["health", "--event", str(HASH)], 1, "smyth dev"),
    ],
)
def test_invoke_fails_with_one_line(
    smyth: Smyth, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, words: str
) -> None:
    monkeypatch.delenv("TABLE_NAME", raising=False)
    ran = smyth("invoke", *arguments)
    assert ran.code == code
    assert words in ran.err.splitlines()[-1]


def test_compat_counts_and_fails_when_an_answer_differs(smyth: Smyth, tmp_path: Path) -> None:
    case = {
        "agent": json.loads((EXAMPLES / "approval-gate.smyth").read_text()),
        "requests": [
            {"method": "POST", "path": "/api/approve", "body": {}, "expect": {"data": {"too_few_approvals": True}}},
            {"method": "POST", "path": "/api/approve", "body": {}, "expect": {"data": {"approved": True}}},
        ],
    }
    cases = tmp_path / "cases"
    cases.mkdir()
    (cases / "gate.json").write_text(json.dumps(case))
    ran = smyth("compat", "cases", "--record", "answers")
    assert ran.code == 1
    assert ran.out.splitlines()[-1] == "1 passed, 1 failed"
    answers = json.loads((tmp_path / "answers/gate.json").read_text())
    assert answers == {"requests": [{"data": {"too_few_approvals": True}}] * 2}
    assert smyth("compat", "nowhere").code == 1
