"""Cron: the five fields of Unix and the six of EventBridge Scheduler, and when they come round in a time zone.

Wall clocks decide, as EventBridge Scheduler says: a time that the change to summer time skips is not run that day, and
one that the change back repeats is run the first time only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

_FIELDS = ("minute", "hour", "day of the month", "month", "day of the week", "year")
_FIRST_YEAR, _LAST_YEAR = 1970, 2199
_MOST_CHARACTERS = 200
#: What each of Unix's fields may hold besides digits: names of months and weekdays, no "last" (L).
_UNIX = tuple(re.compile(f"[{more}0-9*,/-]+") for more in ("", "", "", "A-Z", "A-KM-Z"))
#: What each of AWS's fields may hold besides digits; the nearest weekday (W) is not among it.
_AWS = tuple(re.compile(f"[{more}0-9*,/-]+") for more in ("", "", "?L", "A-Z", "A-Z?#", ""))


class CronError(ValueError):
    """The expression is none; the message says what is wrong and how it should be."""


@dataclass(frozen=True, slots=True)
class Cron:
    """An expression, read."""

    #: As EventBridge Scheduler writes it, without ``cron(...)``.
    aws: str
    #: As the library reads it: minute, hour, day, month and weekday of Unix.
    unix: str
    years: frozenset[int] | None

    def after(self, moment: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """Yield the times after ``moment``, in UTC."""
        for wall in self._walls(moment.astimezone(zone).replace(tzinfo=None)):
            found = wall.replace(tzinfo=zone).astimezone(UTC)
            exists = found.astimezone(zone).replace(tzinfo=None) == wall
            if exists and found > moment:
                yield found

    def _walls(self, wall: datetime) -> Iterator[datetime]:
        """Yield what wall clocks show, leaping over years that do not count."""
        from cronsim import CronSim

        while True:
            for one in CronSim(self.unix, wall):
                if one.year > _LAST_YEAR:
                    return
                if self.years is not None and one.year not in self.years:
                    wall = one
                    break
                yield one
            else:
                return
            following = [year for year in self.years or () if year > wall.year]
            if not following:
                return
            # The library gives times after this one only.
            wall = datetime(min(following) - 1, 12, 31, 23, 59)


def read_cron(text: str) -> Cron:
    """Read five fields, or AWS's six.

    Raises:
        CronError: They cannot be read, or never come round.
    """
    stripped = text.strip()
    inner = re.fullmatch(r"cron\((.*)\)", stripped)
    fields = (inner[1] if inner else stripped).upper().split()
    if len(stripped) > _MOST_CHARACTERS or len(fields) not in (5, 6):
        raise CronError(
            'write five fields (minute hour day month weekday) such as "0 8 * * MON-FRI", or the six of EventBridge '
            'Scheduler such as "0 8 ? * MON-FRI *"'
        )
    cron = _unix(fields) if len(fields) == 5 else _aws(fields)
    if next(cron.after(datetime(2024, 1, 1, tzinfo=UTC), ZoneInfo("UTC")), None) is None:
        raise CronError("this never comes round; check day, month and year")
    return cron


def _unix(fields: list[str]) -> Cron:
    for name, pattern, field in zip(_FIELDS, _UNIX, fields, strict=False):
        if not pattern.fullmatch(field):
            raise CronError(f'the {name} "{field}" is not understood; five fields take numbers, names and * , - /')
    day, weekday = fields[2], fields[4]
    if day != "*" and weekday != "*":
        raise CronError(
            "day of the month and weekday are both given; cron would run on either, EventBridge Scheduler cannot: "
            "make two schedules"
        )
    unix = " ".join(fields)
    parsed = _library(unix)
    aws = [_listed(field, values) for field, values in zip(fields, parsed, strict=True)]
    if weekday == "*":
        aws[4] = "?"
    else:
        aws[2] = "?"
        aws[4] = ",".join(str(number + 1) for number in sorted({number % 7 for number in parsed[4]}))
    return Cron(aws=" ".join([*aws, "*"]), unix=unix, years=None)


def _aws(fields: list[str]) -> Cron:
    for name, pattern, field in zip(_FIELDS, _AWS, fields, strict=True):
        if not pattern.fullmatch(field):
            more = "; the nearest weekday (W) is not supported" if "W" in field and name == _FIELDS[2] else ""
            raise CronError(f'the {name} "{field}" is not understood{more}')
    if (fields[2] == "?") == (fields[4] == "?"):
        raise CronError("with six fields exactly one of day of the month and weekday must be ?")
    weekday = re.sub(r"(?<![#/\d])([1-7])(?!\d)", lambda number: str(int(number[1]) - 1), fields[4])
    if re.search(r"(?<![#/\d])(0|[89]|\d\d)", fields[4]):
        raise CronError("with six fields weekdays are numbered 1 (SUN) to 7 (SAT)")
    unix = " ".join([*fields[:2], fields[2].replace("?", "*"), fields[3], weekday.replace("?", "*")])
    _library(unix)
    return Cron(aws=" ".join(fields), unix=unix, years=_years(fields[5]))


def _library(unix: str) -> list[set[Any]]:
    """Return the values of each field; numbers, and pairs for the nth weekday of a month.

    Raises:
        CronError: The library does not take them.
    """
    from cronsim import CronSim, CronSimError

    try:
        read = CronSim(unix, datetime(2024, 1, 1))
    except CronSimError as error:
        raise CronError(f'"{unix}" is no cron expression: {error}') from None
    return [read.minutes, read.hours, read.days, read.months, read.weekdays]


def _listed(field: str, values: set[int]) -> str:
    """Return a field as both write it: steps mean different things in places, lists never do."""
    return "*" if field == "*" else ",".join(str(value) for value in sorted(values))


def _years(field: str) -> frozenset[int] | None:
    """Return the years of a field; None for all."""
    if field == "*":
        return None
    found: set[int] = set()
    for term in field.split(","):
        match = re.fullmatch(r"(\*|\d{4})(?:-(\d{4}))?(?:/(\d{1,3}))?", term)
        if not match:
            raise CronError(f'the year "{field}" is not understood')
        start = _FIRST_YEAR if match[1] == "*" else int(match[1])
        end = int(match[2]) if match[2] else _LAST_YEAR if match[3] or match[1] == "*" else start
        if not _FIRST_YEAR <= start <= end <= _LAST_YEAR or (match[3] and not int(match[3])):
            raise CronError(f"years go from {_FIRST_YEAR} to {_LAST_YEAR}")
        found.update(range(start, end + 1, int(match[3] or 1)))
    return frozenset(found)
