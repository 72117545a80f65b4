"""FTimestamp: the time of the run."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from pydantic import Field, field_validator

from smyth.components.base import Call, Component, Port
from smyth.components.base import Settings as BaseSettings

_PATTERN = re.compile(r"[YMDHhmsSZzAa\s\-/:,.]+")
_TOKEN = re.compile(r"YYYY|YY|M{1,4}|D{1,2}|H{1,2}|h{1,2}|m{1,2}|s{1,2}|SSS|ZZ|Z|A|a")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


class Settings(BaseSettings):
    """Settings of FTimestamp."""

    format: str | None = Field(
        "unix",
        description="unix or timestamp: milliseconds since 1970 as a number; iso: ISO 8601; "
        "or a pattern of YYYY MM DD HH mm ss SSS A Z and punctuation.",
    )

    @field_validator("format")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is None or value in ("unix", "timestamp", "iso") or _PATTERN.fullmatch(value):
            return value
        raise ValueError(f'Invalid format string: "{value}". Use unix, iso, timestamp or a pattern like YYYY-MM-DD.')


class FTimestamp(Component):
    """Gives the current time in UTC (compat README, quirk 54)."""

    name = "FTimestamp"
    title = "Timestamp"
    summary = "The current time."
    Settings = Settings
    inputs = (Port("Trigger", "Any", "Any value; only starts the component."),)
    outputs = (Port("Timestamp", "Any", "The time, as a number of milliseconds or as text."),)

    async def run(self, call: Call) -> dict[str, Any]:
        """Read the clock."""
        now = call.run.ports.clock().astimezone(UTC)
        match call.settings.format or "unix":
            case "unix" | "timestamp":
                return {"Timestamp": int(now.timestamp()) * 1000 + now.microsecond // 1000}
            case "iso":
                return {"Timestamp": format_time(now, "YYYY-MM-DD") + "T" + format_time(now, "HH:mm:ss.SSS") + "Z"}
            case pattern:
                return {"Timestamp": format_time(now, pattern)}


def format_time(moment: datetime, pattern: str) -> str:
    """Return ``moment`` in a pattern of Day.js tokens; letters that are no token stay."""
    hour = moment.hour % 12 or 12
    half = "AM" if moment.hour < 12 else "PM"
    offset = moment.strftime("%z")
    values = {
        "YYYY": f"{moment.year:04d}",
        "YY": f"{moment.year % 100:02d}",
        "MMMM": _MONTHS[moment.month - 1],
        "MMM": _MONTHS[moment.month - 1][:3],
        "SSS": f"{moment.microsecond // 1000:03d}",
        "Z": f"{offset[:3]}:{offset[3:5]}",
        "ZZ": offset,
        "A": half,
        "a": half.lower(),
    }
    numbers = (("M", moment.month), ("D", moment.day), ("H", moment.hour), ("h", hour), ("m", moment.minute))
    for letter, number in (*numbers, ("s", moment.second)):
        values[letter] = str(number)
        values[letter * 2] = f"{number:02d}"
    return _TOKEN.sub(lambda token: values[token[0]], pattern)
