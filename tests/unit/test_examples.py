from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from smyth.components.registry import is_known
from smyth.document import load, validate
from smyth.sdk import Agent

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FILES = sorted(EXAMPLES.glob("*.smyth"))


def answer(name: str, path: str, body: Any = None, method: str = "POST", **options: Any) -> Any:
    return Agent.load(EXAMPLES / f"{name}.smyth").call_sync(method, path, body=body, **options)["data"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_has_no_findings_and_speaks_by_echo(file: Path) -> None:
    document = load(file.read_bytes())
    assert validate(document, is_known) == []
    assert document.default_model == "Echo"
    assert f"`{file.name}`" in (EXAMPLES / "README.md").read_text()


def test_there_are_five() -> None:
    assert len(FILES) == 5


def test_hash_api() -> None:
    data = answer("hash-api", "/api/hash", {"text": "Hello World"})
    assert data["md5"] == "b10a8db164e0754105b7a99be72e3fe5"
    assert data["sha256"].startswith("a591a6d4")
    assert data["base64"] == "SGVsbG8gV29ybGQ="
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", data["at"])


def test_echo_chat() -> None:
    assert answer("echo-chat", "/api/greet", {"name": "Ada"}) == {"greeting": "Good day, Ada!"}
    assert answer("echo-chat", "/api/greet", {}) == {"greeting": "Good day, stranger!"}
    greeting = answer("echo-chat", "/api/greet", {"name": "Ada"}, variables={"salutation": "Hello"})
    assert greeting == {"greeting": "Hello, Ada!"}


def test_order_totals() -> None:
    orders = [
        {"id": "A-1", "customer": 'Ada "A"', "total": 12.5, "currency": "EUR", "note": "gift"},
        {"id": "A-2", "customer": "Grace", "total": 7, "currency": "USD"},
    ]
    kept = [
        {"order": "A-1", "customer": 'Ada "A"', "total": 12.5, "currency": "EUR"},
        {"order": "A-2", "customer": "Grace", "total": 7, "currency": "USD"},
    ]
    assert answer("order-totals", "/api/totals", {"orders": orders}) == {"totals": kept, "count": 2}
    assert answer("order-totals", "/api/totals", {"orders": []}) == {"totals": [], "count": 0}


@pytest.mark.parametrize(
    ("given", "decision"),
    [
        ({"manager": True, "finance": True, "legal": True, "within_budget": True}, "approved"),
        ({"manager": True, "legal": True, "within_budget": "true"}, "approved"),
        ({"finance": True, "legal": True, "within_budget": False}, "over_budget"),
        ({"finance": True, "legal": True}, "over_budget"),
        ({"manager": True, "within_budget": True}, "too_few_approvals"),
        ({}, "too_few_approvals"),
    ],
)
def test_approval_gate(given: dict[str, Any], decision: str) -> None:
    assert answer("approval-gate", "/api/approve", given) == {decision: True}


def test_assistant() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", answer("assistant", "/api/now", method="GET")["now"])
    assert answer("assistant", "/api/fingerprint", {"text": "abc"})["sha256"].startswith("ba7816bf")


@pytest.mark.parametrize("command", re.findall(r"`(smyth .+?)` \|", (EXAMPLES / "README.md").read_text()))
def test_the_commands_of_the_examples_readme_work(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from smyth.cli.main import main

    monkeypatch.chdir(EXAMPLES.parent)
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(command)[1:])
    assert not ended.value.code
    assert capsys.readouterr().out.strip()
