"""When schedules run, by clocks that change twice a year."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from pydantic import ValidationError

from smyth.platform.cron import CronError, read_cron
from smyth.platform.schedule_rules import ScheduleRule

_NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def _runs(count: int, after: datetime, **rule: Any) -> list[str]:
    read = ScheduleRule(**rule)
    return [f"{run:%Y-%m-%dT%H:%M:%S}" for run in read.next_runs(count, after=after, created_at=_NEW_YEAR)]


def test_a_daily_run_keeps_its_hour_on_the_wall_over_both_changes() -> None:
    berlin = {"cron": "0 8 * * *", "time_zone": "Europe/Berlin"}
    assert _runs(2, datetime(2026, 3, 28, 6, tzinfo=UTC), **berlin) == ["2026-03-28T07:00:00", "2026-03-29T06:00:00"]
    assert _runs(2, datetime(2026, 10, 24, 5, tzinfo=UTC), **berlin) == ["2026-10-24T06:00:00", "2026-10-25T07:00:00"]


@pytest.mark.parametrize(
    ("zone", "after", "expected"),
    [
        ("Europe/Berlin", datetime(2026, 3, 27, 12, tzinfo=UTC), ["2026-03-28T01:30:00", "2026-03-30T00:30:00"]),
        ("America/New_York", datetime(2026, 3, 7, 12, tzinfo=UTC), ["2026-03-09T06:30:00", "2026-03-10T06:30:00"]),
    ],
)
def test_a_time_that_summer_time_skips_is_not_run_that_day(zone: str, after: datetime, expected: list[str]) -> None:
    assert _runs(2, after, cron="30 2 * * *", time_zone=zone) == expected


def test_a_time_that_comes_twice_is_run_the_first_time_only() -> None:
    rule = {"cron": "30 2 * * *", "time_zone": "Europe/Berlin"}
    assert _runs(2, datetime(2026, 10, 24, 12, tzinfo=UTC), **rule) == ["2026-10-25T00:30:00", "2026-10-26T01:30:00"]
    between_both = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
    assert _runs(1, between_both, **rule) == ["2026-10-26T01:30:00"]


def test_the_repeated_hour_is_counted_once_by_what_runs_many_times_an_hour() -> None:
    runs = _runs(4, datetime(2026, 10, 25, 0, 10, tzinfo=UTC), cron="*/30 * * * *", time_zone="Europe/Berlin")
    assert runs == ["2026-10-25T00:30:00", "2026-10-25T02:00:00", "2026-10-25T02:30:00", "2026-10-25T03:00:00"]


def test_a_year_of_hourly_runs_misses_the_skipped_hour_and_repeats_none() -> None:
    rule = ScheduleRule(cron="0 * * * *", time_zone="Europe/Berlin")
    start = datetime(2025, 12, 31, 22, 30, tzinfo=UTC)
    runs = rule.next_runs(365 * 24 - 1, after=start, created_at=_NEW_YEAR)
    gaps = {(late - early): early for early, late in pairwise(runs)}
    assert runs[-1] == datetime(2026, 12, 31, 22, tzinfo=UTC)
    assert set(gaps) == {timedelta(hours=1), timedelta(hours=2)}
    assert gaps[timedelta(hours=2)] == datetime(2026, 10, 25, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("0 8 * * MON-FRI", "0 8 ? * 2,3,4,5,6 *"),
        ("*/15 9-17/4 * * *", "0,15,30,45 9,13,17 * * ? *"),
        ("5 0 1 1 *", "5 0 1 1 ? *"),
        ("0 0 * * 0", "0 0 ? * 1 *"),
        ("0 0 * * 7", "0 0 ? * 1 *"),
        ("0 0 * * 5-7", "0 0 ? * 1,6,7 *"),
        ("cron(0/10 8 ? * MON *)", "0/10 8 ? * MON *"),
        ("0 5 L * ? *", "0 5 L * ? *"),
    ],
)
def test_five_and_six_fields_are_written_for_eventbridge(text: str, expression: str) -> None:
    assert ScheduleRule(cron=text).expression == f"cron({expression})"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 8 ? * 2 *", ["2026-01-05", "2026-01-12"]),  # Monday: AWS counts from Sunday, 1.
        ("0 8 * * 1", ["2026-01-05", "2026-01-12"]),
        ("0 8 ? * 6L *", ["2026-01-30", "2026-02-27"]),
        ("0 8 ? * 3#2 *", ["2026-01-13", "2026-02-10"]),
        ("0 8 L * ? *", ["2026-01-31", "2026-02-28"]),
        ("0 8 29 2 ? 2028,2040-2044/2", ["2028-02-29", "2040-02-29"]),
        ("0 8 1 1 ? 2150", ["2150-01-01"]),
    ],
)
def test_days_are_those_that_eventbridge_means(text: str, expected: list[str]) -> None:
    assert [run[:10] for run in _runs(2, _NEW_YEAR + timedelta(days=1), cron=text)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* * * *",
        "60 * * * *",
        "* * 30 2 *",
        "0 8 1 * MON",
        "0 8 1 * MON *",
        "0 8 ? * ? *",
        "0 8 ? * 0 *",
        "0 8 ? * 8 *",
        "0 8 15W * ? *",
        "0 8 * * ? 2300",
        "0 8 * * ? 2020",
        "0 8 * * ? 2026/0",
        "*/0 * * * *",
        "0 0 L * *",
        "0 0 * * 5L",
        "; DROP TABLE",
        "٣ * * * *",
        "0 0 29 2 ? 2031",
        "1," * 150 + "1 * * * *",
    ],
)
def test_what_is_no_cron_or_never_comes_is_refused(text: str) -> None:
    with pytest.raises(CronError):
        read_cron(text)


def test_every_counts_from_when_it_was_made_or_from_its_start() -> None:
    assert _runs(2, _NEW_YEAR, every="90 minutes") == ["2026-01-01T01:30:00", "2026-01-01T03:00:00"]
    late = _NEW_YEAR + timedelta(days=1000, minutes=1)
    assert _runs(1, late, every="rate(1 day)") == ["2028-09-28T00:00:00"]
    begins = {"starts_at": "2026-02-01T10:00:00+01:00"}
    assert _runs(2, _NEW_YEAR, every="1 hour", **begins) == ["2026-02-01T09:00:00", "2026-02-01T10:00:00"]


def test_nothing_runs_before_its_start_or_after_its_end() -> None:
    rule = {"cron": "0 8 * * *", "starts_at": "2026-01-10T08:00:00Z", "ends_at": "2026-01-11T08:00:00Z"}
    assert _runs(5, _NEW_YEAR, **rule) == ["2026-01-10T08:00:00", "2026-01-11T08:00:00"]
    assert _runs(5, datetime(2026, 1, 11, 8, tzinfo=UTC), **rule) == []


def test_once_is_a_time_on_clocks_of_the_zone() -> None:
    assert _runs(2, _NEW_YEAR, at="2026-07-01T08:00", time_zone="Asia/Kolkata") == ["2026-07-01T02:30:00"]
    assert _runs(1, _NEW_YEAR, at="2026-10-25T02:30", time_zone="Europe/Berlin") == ["2026-10-25T00:30:00"]
    assert _runs(1, datetime(2026, 7, 1, 3, tzinfo=UTC), at="2026-07-01T08:00", time_zone="Asia/Kolkata") == []
    assert ScheduleRule(at="2026-07-01T08:00", time_zone="Asia/Kolkata").expression == "at(2026-07-01T08:00:00)"
    absolute = ScheduleRule(at="2026-07-01T00:00:00Z", time_zone="Europe/Berlin")
    assert absolute.expression == "at(2026-07-01T02:00:00)"


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"cron": "* * * * *", "every": "1 hour"},
        {"every": "0 minutes"},
        {"every": "30 seconds"},
        {"every": "1.5 hours"},
        {"every": "99999 days"},
        {"at": "tomorrow"},
        {"at": "2026-03-29T02:30", "time_zone": "Europe/Berlin"},
        {"at": "0001-01-01T00:00"},
        {"at": "2027-01-01T00:00", "ends_at": "2028-01-01T00:00:00Z"},
        {"cron": "0 8 * * *", "time_zone": "Mars/Olympus"},
        {"cron": "0 8 * * *", "starts_at": "2026-01-02T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"},
        {"cron": "0 8 * * *", "starts_at": "2026-01-02T00:00:00"},
        {"cron": "0 8 * * *", "extra": 1},
    ],
)
def test_rules_that_make_no_sense_are_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ScheduleRule(**rule)
