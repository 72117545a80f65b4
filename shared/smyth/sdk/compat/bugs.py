"""Which recorded requests show a bug of the original that is done right here."""

from __future__ import annotations

import re
from typing import Any

#: Numbers of the recordings' quirks that are judged bugs.
BUGS = frozenset(
    {7, 8, 10, 14, 15, 18, 26, 29, 31, 40, 41, 42, 44, 45, 50, 52, 55, 59, 60, 65, 66, 74, 75, 76, 77, 78, 79, 80}
    | {83, 85, 86, 90, 92, 93, 94, 95}
)

_NUMBER = re.compile(r"\bQ(\d+)\b")


def pinned_bug(request: dict[str, Any]) -> int | None:
    """Return the number of the bug that a recorded request pins."""
    numbers = (int(number) for number in _NUMBER.findall(request.get("quirk", "")))
    return next((number for number in numbers if number in BUGS), None)
