"""The laptop's clock for schedules: each runs in its zone, once, and what a short stop missed runs after it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from smyth.local.gaps.schedules import Ticker

_KEY = ("000000000000", "us-east-1", "group/one")


class Clock:
    """A clock that tests set."""

    def __init__(self, *at: int) -> None:
        self.now = datetime(*at, tzinfo=UTC)  # type: ignore[misc,arg-type]

    def __call__(self) -> datetime:
        return self.now


def schedule(expression: str, zone: str = "UTC", **members: Any) -> dict[str, Any]:
    made = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    return {
        "ScheduleExpression": expression,
        "ScheduleExpressionTimezone": zone,
        "State": "ENABLED",
        "CreationDate": made,
        "LastModificationDate": made,
        **members,
    }


def run(clock: Clock, kept: dict[str, Any], *, seconds: int, steps: int) -> list[str]:
    schedules = {_KEY: kept}
    fired: list[str] = []

    def fire(key: tuple[str, str, str], which: Mapping[str, Any], due: datetime) -> None:
        assert (key, which) == (_KEY, kept)
        fired.append(f"{due:%m-%dT%H:%M}")

    ticker = Ticker(schedules, fire, clock)
    for _ in range(steps):
        clock.now += timedelta(seconds=seconds)
        ticker.tick()
    return fired


def test_each_minute_runs_once_however_often_the_clock_ticks() -> None:
    fired = run(Clock(2026, 5, 1, 12, 0, 30), schedule("cron(* * * * ? *)"), seconds=1, steps=100)
    assert fired == ["05-01T12:00", "05-01T12:01", "05-01T12:02"]


def test_wall_clocks_of_the_zone_decide_over_both_changes() -> None:
    berlin = schedule("cron(30 2 * * ? *)", "Europe/Berlin")
    assert run(Clock(2026, 3, 28, 0, 0), berlin, seconds=20, steps=3 * 60 * 48) == ["03-28T01:30"]
    assert run(Clock(2026, 10, 24, 12, 0), berlin, seconds=20, steps=3 * 60 * 24) == ["10-25T00:30"]


def test_what_came_due_in_the_minute_before_the_start_runs_then() -> None:
    assert run(Clock(2026, 5, 1, 12, 0, 40), schedule("cron(0 12 * * ? *)"), seconds=1, steps=1) == ["05-01T12:00"]
    assert run(Clock(2026, 5, 1, 12, 1, 10), schedule("cron(0 12 * * ? *)"), seconds=1, steps=1) == []


def test_a_sleep_of_hours_is_not_made_up_for() -> None:
    assert run(Clock(2026, 5, 1, 12, 0, 30), schedule("rate(1 minute)"), seconds=4 * 3600, steps=1) == ["05-01T16:00"]


def test_once_runs_once_and_goes() -> None:
    kept = {_KEY: schedule("at(2026-05-01T14:00:00)", "Europe/Berlin", ActionAfterCompletion="DELETE")}
    fired: list[datetime] = []
    clock = Clock(2026, 5, 1, 11, 59, 30)
    ticker = Ticker(kept, lambda key, which, due: fired.append(due), clock)
    for _ in range(180):
        clock.now += timedelta(seconds=1)
        ticker.tick()
    assert fired == [datetime(2026, 5, 1, 12, 0, tzinfo=UTC)]
    assert kept == {}


def test_nothing_runs_before_it_was_changed_while_it_is_off_or_beyond_its_limits() -> None:
    noon = datetime(2026, 5, 1, 12, 0, 30, tzinfo=UTC)
    for members in (
        {"State": "DISABLED"},
        {"LastModificationDate": noon.timestamp()},
        {"StartDate": noon.timestamp() + 3600},
        {"EndDate": noon.timestamp() - 60},
        {"ScheduleExpression": "cron(nonsense)"},
        {"ScheduleExpression": "else"},
    ):
        kept = schedule("cron(0 12 * * ? *)") | members
        assert run(Clock(2026, 5, 1, 11, 59, 50), kept, seconds=10, steps=6) == [], members


def test_one_that_fails_keeps_no_other_from_running() -> None:
    kept = {(*_KEY[:2], name): schedule("cron(* * * * ? *)") for name in ("a", "b")}
    fired: list[str] = []

    def fire(key: tuple[str, str, str], which: Mapping[str, Any], due: datetime) -> None:
        fired.append(key[2])
        if key[2] == "a":
            raise OSError

    clock = Clock(2026, 5, 1, 12, 0, 0)
    ticker = Ticker(kept, fire, clock)
    clock.now += timedelta(seconds=1)
    ticker.tick()
    assert fired.count("b") == 1
