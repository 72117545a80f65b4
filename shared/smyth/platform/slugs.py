"""Slugs: names for agents that stand in addresses, such as ``helper-2``."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import chain, count, islice
from random import randrange


def slug_of(name: str) -> str:
    """Return the slug that an agent's name asks for."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "agent"


def free_slug(slug: str, taken: Collection[str], attempt: int = 0) -> str:
    """Return the first slug like ``slug`` that is not taken: ``helper``, ``helper-2``, ``helper-3``.

    Who lost it to another in an ``attempt`` before chooses among more, so that many get through side by side.
    """
    free = (one for one in chain([slug], (f"{slug}-{number}" for number in count(2))) if one not in taken)
    skipped = randrange(2**attempt)  # noqa: S311 - spreads callers, guards nothing
    return next(islice(free, skipped, None))
