from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.cli.conftest import Api, Smyth

SHOWN: dict[str, Any] = {
    "id": "trg-1",
    "name": "morning",
    "rule": {"cron": "0 8 * * *", "time_zone": "Europe/Berlin"},
    "state": "dead",
    "problem": "Its agent was deleted.",
    "next_run": None,
    "last_run": {"id": "run-1", "state": "done", "at": "2026-05-01T06:00:00.000Z", "cost": "0.000000"},
}


def test_schedules_are_listed_with_what_is_wrong_with_them(smyth: Smyth, api: Api) -> None:
    api.answers["GET /api/schedules"] = (200, {"items": [SHOWN], "next_cursor": None})
    assert smyth("schedules", "list", "--agent", "agt-1", "--json", "--url", api.url, "--key", "k").json() == [SHOWN]
    assert api.asked[0][1] == "/api/schedules?agent_id=agt-1&limit=100"
    out = smyth("schedules", "list", "--url", api.url, "--key", "k").out
    assert all(text in out for text in ("trg-1", "dead", "deleted"))


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (("--cron", "0 8 * * *", "--zone", "Europe/Berlin"), {"cron": "0 8 * * *", "time_zone": "Europe/Berlin"}),
        (("--every", "2 hours"), {"every": "2 hours"}),
        (("--at", "2027-01-31T08:00"), {"at": "2027-01-31T08:00"}),
    ],
)
def test_a_schedule_is_made_of_what_was_asked_for(
    smyth: Smyth, api: Api, options: tuple[str, ...], rule: dict[str, str]
) -> None:
    api.answers["POST /api/schedules"] = (201, SHOWN)
    where = ("--url", api.url, "--key", "k")
    ran = smyth("schedules", "create", "morning", "--agent", "agt-1", "--prompt", "Hello", *options, *where)
    assert "trg-1" in ran.out
    assert "next run: never" in ran.out
    wanted = {"name": "morning", "agent_id": "agt-1", "rule": rule, "target": {"prompt": "Hello"}}
    assert json.loads(api.asked[0][3]) == wanted


def test_a_schedule_is_shown_switched_off_and_removed(smyth: Smyth, api: Api) -> None:
    where = ("--url", api.url, "--key", "k")
    api.answers["GET /api/schedules/trg-1"] = (200, SHOWN)
    assert smyth("schedules", "show", "trg-1", *where).json() == SHOWN
    api.answers["PATCH /api/schedules/trg-1"] = (200, SHOWN)
    smyth("schedules", "change", "trg-1", "--off", *where)
    assert json.loads(api.asked[-1][3]) == {"enabled": False}
    api.answers["DELETE /api/schedules/trg-1"] = (204, None)
    assert "removed trg-1" in smyth("schedules", "remove", "trg-1", *where).out
