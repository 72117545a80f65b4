from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Api, Ran, Smyth

ROTATION = {"due_at": "2026-03-01T00:00:00.000Z"}
SHOWN = {"name": "house", "current": 2, "last_used": None, "rotation": ROTATION, "description": "Ours"}
COMPONENTS: list[dict[str, Any]] = [
    {
        "id": "E",
        "name": "APIEndpoint",
        "data": {"endpoint": "say", "method": "POST"},
        "inputs": [],
        "outputs": [{"name": "body", "index": 0}],
    },
    {
        "id": "H",
        "name": "FHash",
        "data": {"algorithm": "md5", "encoding": "hex"},
        "inputs": [{"name": "Go", "index": 0}, {"name": "Data", "index": 1, "defaultVal": "{{secret}}"}],
        "outputs": [{"name": "Hash", "index": 0}],
    },
]
#: It hashes a secret, so that a test can tell that it was there.
AGENT = {
    "variables": {"secret": "{{KEY(house)}}"},
    "components": COMPONENTS,
    "connections": [{"sourceId": "E", "sourceIndex": 0, "targetId": "H", "targetIndex": 0}],
}


def at(smyth: Smyth, api: Api, *arguments: str) -> Ran:
    return smyth("credentials", *arguments, "--url", api.url, "--key", "k")


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("s3cret\n"))


@pytest.mark.usefixtures("typed")
def test_a_value_is_read_from_standard_input_and_sent(smyth: Smyth, api: Api) -> None:
    api.answers["PUT /api/credentials/house"] = (200, SHOWN | {"rotation_secret": "whsec_1"})
    options = ["--agent", "agt-1", "--rotate-url", "https://example.com", "--rotate-days", "30"]
    ran = at(smyth, api, "set", "house", "--description", "Ours", *options)
    assert json.loads(api.asked[0][3]) == {
        "value": "s3cret",
        "description": "Ours",
        "access": {"agent:agt-1": ["read"]},
        "rotation": {"url": "https://example.com", "every_days": 30},
    }
    assert "version 2" in ran.out
    assert "whsec_1" in ran.out
    assert "s3cret" not in ran.out


def test_a_value_is_no_argument_and_must_be_there(smyth: Smyth, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert at(smyth, api, "set", "house", "s3cret").code == 2
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert "no value" in at(smyth, api, "set", "house").err
    assert api.asked == []


def test_credentials_are_listed_shown_rotated_rolled_back_and_deleted(smyth: Smyth, api: Api) -> None:
    api.answers["GET /api/credentials"] = (200, {"items": [SHOWN], "next_cursor": None})
    assert "house  2        never" in at(smyth, api, "list").out
    api.answers["GET /api/credentials/house"] = (200, SHOWN)
    assert json.loads(at(smyth, api, "show", "house").out) == SHOWN
    api.answers["POST /api/credentials/house/rotate"] = (200, SHOWN)
    assert "version 2" in at(smyth, api, "rotate", "house").out
    api.answers["POST /api/credentials/house/rollback"] = (200, SHOWN | {"current": 1})
    assert "version 1" in at(smyth, api, "rollback", "house", "--version", "1").out
    assert json.loads(api.asked[-1][3]) == {"version": 1}
    api.answers["DELETE /api/credentials/house"] = (204, None)
    assert at(smyth, api, "rm", "house").out == "deleted house\n"


@pytest.mark.usefixtures("typed")
def test_a_file_keeps_values_and_a_run_reads_them(smyth: Smyth, tmp_path: Path) -> None:
    assert smyth("credentials", "set", "house", "--file", "vault").out == "set house\n"
    assert smyth("credentials", "list", "--file", "vault", "--json").json() == [{"name": "house"}]
    (tmp_path / "agent.smyth").write_text(json.dumps(AGENT))
    ran = smyth("run", "agent.smyth", "--path", "/api/say", "--body", "{}", "--vault", "vault")
    assert ran.code == 0, ran.err
    assert hashlib.md5(b"s3cret", usedforsecurity=False).hexdigest() in ran.out
    (tmp_path / "vault.key").unlink()
    ran = smyth("run", "agent.smyth", "--path", "/api/say", "--body", "{}", "--vault", "vault")
    assert (ran.code, "no key" in ran.err) == (1, True)
    assert smyth("credentials", "rm", "house", "--file", "vault").code == 1


@pytest.mark.usefixtures("typed")
def test_what_only_servers_keep_is_refused_for_a_file(smyth: Smyth) -> None:
    assert smyth("credentials", "set", "house", "--file", "vault", "--description", "x").code == 2
    assert smyth("credentials", "rm", "house", "--file", "vault").code == 1
