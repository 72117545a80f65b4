"""Lists in pages: ``limit`` and an opaque ``cursor`` in, ``items`` and ``next_cursor`` out."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Query

from smyth.platform.errors import Invalid

Limit = Annotated[int, Query(ge=1, le=100, description="How many at the most.")]
Cursor = Annotated[str, Query(max_length=200, description="The page before said where this one begins.")]


def read_cursor(cursor: str, is_valid: Callable[[str], bool]) -> str:
    """Return where a page begins; empty for the first.

    Raises:
        Invalid: No list of this kind gave this cursor.
    """
    if not cursor:
        return ""
    try:
        place = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        place = ""
    if not is_valid(place):
        raise Invalid("The cursor is not one that this list gave. Leave it out to begin at the first page.")
    return place


def page(items: list[dict[str, Any]], place: str) -> dict[str, Any]:
    """Return a page; ``place`` is where the next one begins, empty at the end."""
    return {"items": items, "next_cursor": write_cursor(place) if place else None}


def write_cursor(place: str) -> str:
    """Return the cursor that :func:`read_cursor` reads."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")
