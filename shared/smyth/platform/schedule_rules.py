"""When schedules run: cron, every so often, or once; in a time zone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

from smyth.platform.cron import read_cron
from smyth.platform.time_zones import TimeZone

_RATE = re.compile(r"(?:rate\()?\s*([1-9]\d{0,4})\s+(minute|hour|day)s?\s*\)?")
_MOST_RATE = timedelta(days=366)


def _whole(moment: datetime) -> datetime:
    """Return the second, for EventBridge Scheduler knows no parts of one."""
    return moment.replace(microsecond=0)


Moment = Annotated[AwareDatetime, AfterValidator(_whole)]


class ScheduleRule(BaseModel):
    """Exactly one of ``cron``, ``every`` and ``at``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["schedule"] = "schedule"
    cron: str | None = Field(
        None, max_length=200, description='Five fields such as "0 8 * * MON-FRI", or the six of EventBridge Scheduler.'
    )
    every: str | None = Field(
        None, max_length=50, description='A whole number of minutes, hours or days: "15 minutes".'
    )
    at: str | None = Field(None, max_length=40, description='Once, on clocks of the time zone: "2027-01-31T08:00".')
    time_zone: TimeZone = Field("UTC", description="IANA name; its summer time is kept.")
    starts_at: Moment | None = Field(None, description="Nothing runs before.")
    ends_at: Moment | None = Field(None, description="Nothing runs after.")

    @field_validator("cron")
    @classmethod
    def _cron_is_read(cls, text: str | None) -> str | None:
        if text is not None:
            read_cron(text)
        return text

    @field_validator("every")
    @classmethod
    def _rate_is_read(cls, text: str | None) -> str | None:
        if text is not None and _interval(text) > _MOST_RATE:
            raise ValueError("at most 366 days may lie between runs")
        return text

    @model_validator(mode="after")
    def _is_one_rule(self) -> ScheduleRule:
        if sum(rule is not None for rule in (self.cron, self.every, self.at)) != 1:
            raise ValueError('give exactly one of "cron", "every" and "at"')
        if self.at is not None:
            _moment(self.at, ZoneInfo(self.time_zone))
            if self.starts_at or self.ends_at:
                raise ValueError('"starts_at" and "ends_at" are for what repeats; leave them out beside "at"')
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise ValueError('"ends_at" must lie after "starts_at"')
        return self

    def runs(self, *, after: datetime, created_at: datetime) -> Iterator[datetime]:
        """Yield when it runs after a moment, in UTC.

        Args:
            after: Only later runs are told.
            created_at: Where "every" counts from without a start, whatever is changed later.
        """
        if self.starts_at and self.starts_at > after:
            after = self.starts_at - timedelta(microseconds=1)
        for moment in self._all_runs(after, created_at):
            if self.ends_at and moment > self.ends_at:
                return
            yield moment

    def next_runs(self, count: int, *, after: datetime, created_at: datetime) -> list[datetime]:
        """Return the first runs after a moment; fewer where no more come."""
        return list(islice(self.runs(after=after, created_at=created_at), count))

    def _all_runs(self, after: datetime, created_at: datetime) -> Iterator[datetime]:
        zone = ZoneInfo(self.time_zone)
        if self.cron is not None:
            yield from read_cron(self.cron).after(after, zone)
        elif self.every is not None:
            interval = _interval(self.every)
            yield from _repeated(self.starts_at or _whole(created_at + interval), interval, after)
        elif self.at is not None:
            moment = _moment(self.at, zone)
            if moment > after:
                yield moment

    @property
    def expression(self) -> str:
        """Return the rule in the words of EventBridge Scheduler."""
        if self.cron is not None:
            return f"cron({read_cron(self.cron).aws})"
        if self.every is not None:
            number, unit = _rate(self.every)
            return f"rate({number} {unit}{'' if number == 1 else 's'})"
        moment = _moment(self.at or "", ZoneInfo(self.time_zone)).astimezone(ZoneInfo(self.time_zone))
        return f"at({moment:%Y-%m-%dT%H:%M:%S})"


def _rate(text: str) -> tuple[int, str]:
    match = _RATE.fullmatch(text.strip().lower())
    if not match:
        raise ValueError('write a whole number of minutes, hours or days, such as "15 minutes"')
    return int(match[1]), match[2]


def _interval(text: str) -> timedelta:
    number, unit = _rate(text)
    return timedelta(**{f"{unit}s": number})


def _repeated(first: datetime, interval: timedelta, after: datetime) -> Iterator[datetime]:
    """Yield equal steps; days are 24 hours, whatever clocks do, as EventBridge Scheduler counts."""
    moment = first + max((after - first) // interval, 0) * interval
    while True:
        if moment > after:
            yield moment.astimezone(UTC)
        moment += interval


def _moment(text: str, zone: ZoneInfo) -> datetime:
    """Return when clocks of the zone show ``text``, in UTC; the first time where they do so twice."""
    inner = re.fullmatch(r"at\((.*)\)", text.strip())
    try:
        wall = datetime.fromisoformat(inner[1] if inner else text.strip())
    except ValueError:
        raise ValueError('write date and time such as "2027-01-31T08:00"') from None
    if wall.tzinfo is not None:
        return wall.astimezone(UTC)
    if not 1970 < wall.year < 2200:
        raise ValueError("years go from 1971 to 2199")
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != wall:
        raise ValueError(f"clocks in {zone.key} never show {text}: summer time skips it")
    return moment
