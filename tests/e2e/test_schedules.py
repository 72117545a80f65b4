"""A schedule really runs on the laptop: at its time on the clocks of its zone, once, through the queue, billed."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.e2e.laptop import EXAMPLES, Dev

_ZONE = "Asia/Kathmandu"
_AHEAD = timedelta(seconds=6)
_PATIENCE_S = 120


def test_a_schedule_runs_its_agent_within_its_minute_in_its_zone(dev: Dev) -> None:
    with dev.client(dev.tenant("basic")) as http:
        made = http.post("/api/agents/import", json=json.loads((EXAMPLES / "hash-api.smyth").read_text()))
        due = (datetime.now(UTC) + _AHEAD).replace(microsecond=0)
        at = due.astimezone(ZoneInfo(_ZONE)).replace(tzinfo=None).isoformat()
        created = http.post(
            "/api/schedules",
            json={
                "name": "once",
                "agent_id": made.json()["id"],
                "rule": {"at": at, "time_zone": _ZONE},
                "target": {"skill": "hash", "input": {"text": "{{scheduled_at}}"}},
            },
        )
        assert created.status_code == 201, created.text
        shown = created.json()
        assert shown["next_run"] == due.isoformat().replace("+00:00", ".000Z")

        run = _done(http, shown["id"])
        assert run["state"] == "done", run
        runs = http.get(f"/api/triggers/{shown['id']}/runs").json()["items"]
        used = http.get("/api/usage").json()
        after = http.get(f"/api/schedules/{shown['id']}").json()
    begun = datetime.fromisoformat(runs[0]["at"])
    assert begun == due
    assert len(runs) == 1
    assert used["requests"]["used"] == 1, used
    assert (after["state"], after["next_run"]) == ("dead", None)


@pytest.mark.deploys
def test_a_cron_fires_in_the_minute_that_it_names(dev: Dev) -> None:
    with dev.client(dev.tenant("basic")) as http:
        made = http.post("/api/agents/import", json=json.loads((EXAMPLES / "hash-api.smyth").read_text()))
        # A few seconds are left to place it; at the end of a minute the next but one is named.
        due = (datetime.now(UTC) + timedelta(seconds=65)).replace(second=0, microsecond=0)
        wall = due.astimezone(ZoneInfo(_ZONE))
        created = http.post(
            "/api/schedules",
            json={
                "name": "daily",
                "agent_id": made.json()["id"],
                "rule": {"cron": f"{wall.minute} {wall.hour} * * *", "time_zone": _ZONE},
                "target": {"skill": "hash", "input": {"text": "{{scheduled_at}}"}},
            },
        )
        assert created.status_code == 201, created.text
        run = _done(http, created.json()["id"])
        shown = http.get(f"/api/triggers/{created.json()['id']}/runs/{run['id']}").json()
        after = http.get(f"/api/schedules/{created.json()['id']}").json()
    assert run["state"] == "done", run
    assert datetime.fromisoformat(shown["at"]) == due
    assert timedelta(0) <= datetime.fromisoformat(shown["begun_at"]) - due < timedelta(minutes=1)
    assert after["state"] == "on"
    assert datetime.fromisoformat(after["next_run"]) == due + timedelta(days=1)


def _done(http: Any, schedule_id: str) -> dict[str, Any]:
    """Wait for the run; it begins within a minute of its time."""
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        run = http.get(f"/api/schedules/{schedule_id}").json()["last_run"]
        if run is not None and run["state"] in ("done", "dead"):
            return dict(run)
        time.sleep(0.25)
    raise AssertionError("The schedule did not run.")
