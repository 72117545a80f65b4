"""Read dates as JavaScript programs do, and print them as ISO text in UTC (compat README, quirk 34).

A text is tried in three forms: year first with loose separators, where impossible days roll over; ISO 8601 with a
time zone; and the wordy forms of English-speaking countries (``Feb 29, 2024 10:20 pm``, ``2/29/2024``, RFC 2822).
Times without a zone are UTC.
"""

from __future__ import annotations

import math
import re
from typing import Any

_DAY_MS = 86_400_000
#: JavaScript's dates end 100 million days before and after 1970.
_LIMIT_MS = 100_000_000 * _DAY_MS
_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)\s*")
_YEAR_FIRST = re.compile(
    r"([0-9]{4})[-/]?([0-9]{1,2})?[-/]?([0-9]{0,2})"
    r"[Tt\s]*([0-9]{1,2})?:?([0-9]{1,2})?:?([0-9]{1,2})?[.:]?([0-9]+)?"
)
_ISO = re.compile(
    r"([+-][0-9]{6}|[0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?"
    r"(?:[Tt]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?"
    r"(?:[Zz]|([+-])([0-9]{2}):?([0-9]{2}))?)?"
)
_TIME = re.compile(r"\b([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?\s*\b(?:([ap])m\b)?", re.IGNORECASE)
_OFFSET = re.compile(r"\s*([+-])([0-9]{1,2}):?([0-9]{2})?")
_ZONE = re.compile(r"\b(?:gmt|utc|ut|z|(e|c|m|p)([sd])t)\b", re.IGNORECASE)
_WORD_OR_NUMBER = re.compile(r"[a-z]+|[0-9]+|[^a-z0-9]+", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"\([^()]*\)")
_BETWEEN_PARTS = frozenset(" ,.-/\t\n\r")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_US_ZONES = {"e": -5, "c": -6, "m": -7, "p": -8}


def milliseconds(value: Any) -> int | None:
    """Return the moment of a date text, or of epoch milliseconds as number or digits; None where there is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return _in_range(int(value)) if math.isfinite(value) else None
    if not isinstance(value, str) or len(value) > 100:
        return None
    if _NUMBER.fullmatch(value):
        return _in_range(int(float(value)))
    moment = _year_first(value)
    if moment is None:
        moment = _iso(value)
    if moment is None:
        moment = _wordy(value)
    return None if moment is None else _in_range(moment)


def iso_text(moment: int) -> str:
    """Return ``moment`` as ``Date.toISOString`` prints it."""
    days, rest = divmod(moment, _DAY_MS)
    year, month, day = _civil(days)
    seconds, fraction = divmod(rest, 1000)
    shown_year = f"{year:04d}" if 0 <= year <= 9999 else f"{'-' if year < 0 else '+'}{abs(year):06d}"
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{fraction:03d}"
    return f"{shown_year}-{month:02d}-{day:02d}T{clock}Z"


def _in_range(moment: int) -> int | None:
    return moment if -_LIMIT_MS <= moment <= _LIMIT_MS else None


def _year_first(text: str) -> int | None:
    found = _YEAR_FIRST.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction = found.groups()
    clock = _clock(int(hour or 0), int(minute or 0), int(second or 0), int((fraction or "0")[:3]))
    return _day_ms(int(year), int(month or 1), int(day or 1)) + clock


def _iso(text: str) -> int | None:
    found = _ISO.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, sign, zone_hours, zone_minutes = found.groups()
    if int(month or 1) not in range(1, 13) or int(day or 1) not in range(1, 32):
        return None
    parts = (int(hour or 0), int(minute or 0), int(second or 0), int((fraction or "")[:3].ljust(3, "0")))
    if parts > (24, 0, 0, 0) or parts[1] > 59 or parts[2] > 59:
        return None
    offset = _clock(int(zone_hours or 0), int(zone_minutes or 0)) * (-1 if sign == "-" else 1)
    return _day_ms(int(year), int(month or 1), int(day or 1)) + _clock(*parts) - offset


def _wordy(text: str) -> int | None:
    text = _IN_BRACKETS.sub(" ", text)
    clock = offset = 0
    if time := _TIME.search(text):
        read = _time_of_day(time)
        if read is None:
            return None
        clock, text = read, _without(text, time.start(), time.end())
        offset, text = _closing_offset(text, time.start())
    if zone := _ZONE.search(text):
        offset, text = _zone_offset(text, zone)
    day = _wordy_day(text)
    return None if day is None else day + clock - offset


def _closing_offset(text: str, after: int) -> tuple[int, str]:
    """Take an offset such as ``+0200`` from the end: after a time it needs no name of a zone."""
    found = _OFFSET.search(text, after)
    if found is None or text[found.end() :].strip() or _ZONE.search(text, after):
        return 0, text
    return _offset(found), text[: found.start()]


def _zone_offset(text: str, zone: re.Match[str]) -> tuple[int, str]:
    """Take the name of a zone, and the offset behind it if there is one."""
    if found := _OFFSET.match(text, zone.end()):
        return _offset(found), _without(text, zone.start(), found.end())
    hours = _US_ZONES[zone[1].lower()] + (zone[2].lower() == "d") if zone[1] else 0
    return _clock(hours), _without(text, zone.start(), zone.end())


def _without(text: str, start: int, end: int) -> str:
    return f"{text[:start]} {text[end:]}"


def _time_of_day(time: re.Match[str]) -> int | None:
    hour, minute, second, fraction = (
        int(part or 0) for part in (*time.groups()[:3], (time[4] or "")[:3].ljust(3, "0"))
    )
    if time[5]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if time[5].lower() == "p" else 0)
    if hour > 24 or minute > 59 or second > 59 or (hour == 24 and (minute or second or fraction)):
        return None
    return _clock(hour, minute, second, fraction)


def _wordy_day(text: str) -> int | None:
    """Read a day of at most three numbers and the name of a month; other words may only come before a number."""
    month: int | None = None
    numbers: list[int] = []
    for part in _WORD_OR_NUMBER.findall(text):
        if part.isdigit():
            numbers.append(int(part))
        elif part.isalpha():
            if part[:3].lower() in _MONTHS:
                month = _MONTHS.index(part[:3].lower()) + 1
            elif numbers:
                return None
        elif not _BETWEEN_PARTS.issuperset(part):
            return None
    if not 1 <= len(numbers) + (month is not None) - 1 <= 2:
        return None
    year: int | None = None
    if numbers[0] > 31:
        year, *numbers = numbers
    elif len(numbers) + (month is not None) == 3:
        *numbers, year = numbers
    if month is None:
        month, *numbers = numbers
    day = numbers[0] if numbers else 1
    if not 1 <= month <= 12 or not 1 <= day <= 31:
        return None
    return _day_ms(_full_year(year), month, day)


def _full_year(year: int | None) -> int:
    if year is None:
        return 2001
    return year + (2000 if year < 50 else 1900 if year < 100 else 0)


def _offset(found: re.Match[str]) -> int:
    size = _clock(int(found[2]), int(found[3] or 0))
    return -size if found[1] == "-" else size


def _clock(hour: int, minute: int = 0, second: int = 0, fraction: int = 0) -> int:
    return ((hour * 60 + minute) * 60 + second) * 1000 + fraction


def _day_ms(year: int, month: int, day: int) -> int:
    """Return midnight of a day; months and days beyond their range roll over."""
    carried, month = divmod(month - 1, 12)
    year += carried
    # Count years from March, so that the leap day is the last of its year.
    shifted = year - (month < 2)
    month_from_march = (month - 2) % 12
    leap_days = shifted // 4 - shifted // 100 + shifted // 400
    days = shifted * 365 + leap_days + (153 * month_from_march + 2) // 5 + day - 1
    return (days - 719_468) * _DAY_MS


def _civil(days: int) -> tuple[int, int, int]:
    """Return year, month and day of a count of days since 1970."""
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_from_march + 2) // 5 + 1
    month = month_from_march + 3 if month_from_march < 10 else month_from_march - 9
    return era * 400 + year_of_era + (month <= 2), month, day
