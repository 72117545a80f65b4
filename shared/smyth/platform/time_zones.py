"""Time zones by their IANA names."""

from __future__ import annotations

from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


def _check(name: str) -> str:
    if name not in _known():
        raise ValueError('this is no time zone; take an IANA name such as "Europe/Berlin" or "UTC"')
    return name


#: A time zone's name, checked against the database.
TimeZone = Annotated[str, AfterValidator(_check)]
