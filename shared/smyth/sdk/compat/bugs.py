"""Which recorded requests show a bug of the original that is done right here."""

from __future__ import annotations

import re
from typing import Any

#: Numbers of the recordings' quirks that are judged bugs.
BUGS = frozenset(
    {7, 8, 10, 14, 15, 18, 26, 29, 31, 40, 41, 42, 44, 45, 50, 52, 55, 59, 60, 65, 66, 74, 75, 76, 77, 78, 79, 80}
    | {83, 85, 86, 90, 92, 93, 94, 95}
)

#: Requests that show one of these bugs without being marked: they count as failed, with the bug told.
#: Case and request to bug.
UNMARKED: dict[tuple[str, int], int] = {
    ("foreach-diamond-results-array", 0): 66,
    ("vars-vault-otherteam", 0): 29,
    **{(case, 0): 94 for case in ("ecma-empty", "ecma-sync-main", "ecma-syntax")},
}

_NUMBER = re.compile(r"\bQ(\d+)\b")


def pinned_bug(request: dict[str, Any]) -> int | None:
    """Return the number of the bug that a recorded request is marked to pin."""
    marked = (int(found) for found in _NUMBER.findall(request.get("quirk", "")))
    return next((quirk for quirk in marked if quirk in BUGS), None)
