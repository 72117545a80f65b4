"""``smyth audit`` against a server that answers what a test says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from smyth.platform.audit import Event, Head, linked
from tests.unit.cli.conftest import Api, Ran, Smyth

TENANT = "ten-01jd0000000000000000000000"


def chain(length: int) -> list[dict[str, Any]]:
    """Entries that follow each other, and the line that tells their end."""
    head, lines = Head(), []
    for number in range(length):
        event = Event(tenant_id=TENANT, action="DELETE /api/keys/{key_id}", target=f"/api/keys/{number}", status=204)
        entry = linked(event, head, datetime(2026, 3, 14, tzinfo=UTC))
        head = Head(entry.seq, entry.hash, entry.at, entry.month)
        lines.append(entry.document())
    return [*lines, {"head": {"chain": TENANT, "seq": head.seq, "hash": head.hash}}]


def written(lines: list[dict[str, Any]]) -> bytes:
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()


def at(smyth: Smyth, api: Api, *arguments: str | Path) -> Ran:
    return smyth("audit", *arguments, "--url", api.url, "--key", "k")


def test_entries_are_listed_with_the_filters_that_were_asked_for(smyth: Smyth, api: Api) -> None:
    entry = chain(1)[0] | {"actor": "key-1", "acting_for": "operator", "source_ip": "203.0.113.7"}
    api.answers["GET /api/audit"] = (200, {"items": [entry], "next_cursor": None})
    ran = at(smyth, api, "list", "--from", "2026-03-01", "--outcome", "done", "--tenant", TENANT)
    assert ran.code == 0
    for told in ("key-1 for operator", "203.0.113.7", "DELETE /api/keys/0", "done 204"):
        assert told in ran.out
    asked = parse_qs(urlsplit(api.asked[0][1]).query)
    assert asked == {"from": ["2026-03-01"], "outcome": ["done"], "tenant_id": [TENANT], "limit": ["100"]}
    assert at(smyth, api, "list", "--json").json() == [entry]


def test_an_untouched_chain_is_verified(smyth: Smyth, api: Api) -> None:
    lines = chain(3)
    api.answers["GET /api/audit/export"] = (200, written(lines))
    ran = at(smyth, api, "verify")
    assert (ran.code, ran.out.strip()) == (0, f"3 entries, 0 findings, head 3:{lines[2]['hash']}")
    assert at(smyth, api, "verify", "--head", f"2:{lines[1]['hash']}").code == 0


@pytest.mark.parametrize(
    ("kind", "tamper"),
    [
        ("changed", lambda lines: lines[1].update(actor="me")),
        ("missing", lambda lines: lines.pop(1)),
        ("misplaced", lambda lines: lines.insert(3, lines[0])),
        ("truncated", lambda lines: lines.pop(2)),
    ],
)
def test_a_chain_that_was_touched_ends_with_1(smyth: Smyth, api: Api, kind: str, tamper: Any) -> None:
    lines = chain(3)
    tamper(lines)
    api.answers["GET /api/audit/export"] = (200, written(lines))
    ran = at(smyth, api, "verify", "--json")
    assert ran.code == 1
    assert kind in [finding["kind"] for finding in ran.json()["findings"]]
    assert f"{kind}: " in at(smyth, api, "verify").out


def test_a_noted_head_finds_a_chain_that_was_made_anew(smyth: Smyth, api: Api) -> None:
    api.answers["GET /api/audit/export"] = (200, written(chain(3)))
    ran = at(smyth, api, "verify", "--head", f"2:{'0' * 64}")
    assert (ran.code, "rewritten" in ran.out) == (1, True)


def test_an_export_is_a_file_that_can_be_verified_without_a_server(smyth: Smyth, api: Api, tmp_path: Path) -> None:
    api.answers["GET /api/audit/export"] = (200, written(chain(2)))
    assert at(smyth, api, "export", "--output", "kept.jsonl").out == "wrote 2 entries to kept.jsonl\n"
    api.answers.clear()
    assert smyth("audit", "verify", "--file", "kept.jsonl").code == 0
    kept = tmp_path / "kept.jsonl"
    kept.write_text(kept.read_text().replace("DELETE", "GET", 1))
    assert smyth("audit", "verify", "--file", "kept.jsonl").code == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("not JSON", "lines of JSON"),
        ("", "not whole"),
        ('{"seq": 1}\n', "not whole"),
        ("[]\n", "not whole"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_export_is_refused_in_one_line(
    smyth: Smyth, tmp_path: Path, content: str | None, told: str
) -> None:
    if content is not None:
        (tmp_path / "kept.jsonl").write_text(content)
    ran = smyth("audit", "verify", "--file", "kept.jsonl")
    assert ran.code == 1
    assert told in ran.err
    assert ran.err.count("\n") == 1
