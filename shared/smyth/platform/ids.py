"""Ids: URL-safe, sortable by creation time, and told apart by their prefix."""

from __future__ import annotations

import re

from ulid import ULID

AGENT, TENANT, KEY = "agt", "ten", "key"
TRIGGER, RUN = "trg", "run"

_ULID = re.compile(r"[0-9a-z]{26}")


def new_id(prefix: str) -> str:
    """Return a new id such as ``agt-01jd...``."""
    return f"{prefix}-{str(ULID()).lower()}"


def is_id(prefix: str, text: str) -> bool:
    """Tell whether ``text`` has the form of an id, which keeps it safe in keys and paths."""
    kind, _, rest = text.partition("-")
    return kind == prefix and _ULID.fullmatch(rest) is not None
