from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.cli.conftest import Api, Smyth

RUN: dict[str, Any] = {
    "id": "run-1",
    "at": "2026-05-01T06:00:00.000Z",
    "state": "dead",
    "attempts": 3,
    "cost": "0.000000",
    "failure": {"status": 429, "code": "quota_exceeded", "detail": "All requests are used."},
}
SHOWN: dict[str, Any] = {
    "id": "trg-1",
    "name": "watch",
    "kind": "object",
    "agent_id": "agt-1",
    "enabled": False,
    "disabled_because": "Its agent was deleted.",
    "last_run": RUN,
}


def at(smyth: Smyth, api: Api, *arguments: str) -> Any:
    return smyth("triggers", *arguments, "--url", api.url, "--key", "k")


def test_triggers_are_listed_with_their_last_runs_and_why_they_are_off(smyth: Smyth, api: Api) -> None:
    api.answers["GET /api/triggers"] = (200, {"items": [SHOWN], "next_cursor": None})
    assert at(smyth, api, "list", "--kind", "object", "--json").json() == [SHOWN]
    assert api.asked[0][1] == "/api/triggers?kind=object&limit=100"
    assert all(text in at(smyth, api, "list").out for text in ("trg-1", "deleted", "dead"))


@pytest.mark.parametrize(
    ("options", "target"),
    [
        (("--prompt", "Read {{name}}"), {"prompt": "Read {{name}}"}),
        (("--skill", "hash", "--input", '{"data": "{{key}}"}'), {"skill": "hash", "input": {"data": "{{key}}"}}),
        (("--component", "mails"), {"trigger": "mails"}),
    ],
)
def test_a_trigger_is_made_of_what_was_asked_for(
    smyth: Smyth, api: Api, options: tuple[str, ...], target: dict[str, Any]
) -> None:
    api.answers["POST /api/triggers"] = (201, SHOWN)
    rule = '{"kind": "object", "suffix": ".pdf"}'
    ran = at(smyth, api, "create", "watch", "--agent", "agt-1", "--rule", rule, "--attempts", "2", *options)
    assert "trg-1" in ran.out
    wanted = {"name": "watch", "agent_id": "agt-1", "rule": json.loads(rule), "target": target}
    assert json.loads(api.asked[0][3]) == wanted | {"retries": {"attempts": 2}}


@pytest.mark.parametrize("rule", ["{", "[]"])
def test_a_rule_that_is_none_is_told_before_anything_is_sent(smyth: Smyth, api: Api, rule: str) -> None:
    ran = at(smyth, api, "create", "watch", "--agent", "agt-1", "--rule", rule, "--prompt", "x")
    assert ran.code != 0
    assert "--rule" in ran.err
    assert api.asked == []


def test_a_trigger_is_shown_changed_tried_redriven_and_removed(smyth: Smyth, api: Api) -> None:
    api.answers["GET /api/triggers/trg-1"] = (200, SHOWN)
    assert at(smyth, api, "show", "trg-1").json() == SHOWN
    api.answers["PATCH /api/triggers/trg-1"] = (200, SHOWN)
    at(smyth, api, "change", "trg-1", "--on")
    assert json.loads(api.asked[-1][3]) == {"enabled": True}
    api.answers["POST /api/triggers/trg-1/test"] = (202, {"delivery_id": "test-1"})
    assert "test-1" in at(smyth, api, "test", "trg-1", "--payload", '{"a": 1}').out
    assert json.loads(api.asked[-1][3]) == {"payload": {"a": 1}}
    api.answers["GET /api/triggers/trg-1/runs"] = (200, {"items": [RUN], "next_cursor": None})
    assert "All requests are used." in at(smyth, api, "runs", "trg-1").out
    api.answers["GET /api/triggers/trg-1/runs/run-1"] = (200, RUN)
    assert at(smyth, api, "runs", "trg-1", "run-1").json() == RUN
    api.answers["POST /api/triggers/trg-1/runs/run-1/redrive"] = (202, {"runs": ["run-1"]})
    assert "run-1" in at(smyth, api, "redrive", "trg-1", "run-1").out
    api.answers["POST /api/triggers/trg-1/redrive"] = (202, {"runs": []})
    assert "nothing is dead" in at(smyth, api, "redrive", "trg-1").out
    api.answers["DELETE /api/triggers/trg-1"] = (204, None)
    assert "removed trg-1" in at(smyth, api, "remove", "trg-1").out
