"""Read a value inside a value by a path such as ``a.b[0].length``."""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from typing import Any, Final, Literal

_SEPARATORS = re.compile(r"[.\[\]]+")


class Undefined(Enum):
    """The type of :data:`UNDEFINED`."""

    UNDEFINED = "undefined"

    def __bool__(self) -> bool:
        return False


#: Nothing is there; not the same as None, which is a value that was sent.
UNDEFINED: Final[Literal[Undefined.UNDEFINED]] = Undefined.UNDEFINED


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[str, ...]:
    return tuple(step for step in _SEPARATORS.split(path) if step)


def get_path(value: Any, path: str) -> Any:
    """Return what ``path`` leads to, or :data:`UNDEFINED` (compat README, quirks 25 and 46).

    Lists and texts have ``length``, and an index into a text gives a character.
    A path without steps leads nowhere, so that an empty placeholder does not print everything.
    """
    steps = _steps(path)
    if not steps:
        return UNDEFINED
    for step in steps:
        value = _member(value, step)
        if value is UNDEFINED:
            return UNDEFINED
    return value


def _member(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name, UNDEFINED)
    if isinstance(value, (list, str)):
        if name == "length":
            return len(value)
        # Longer numbers cannot be positions, and Python refuses to read very long ones.
        if name.isascii() and name.isdigit() and len(name) < 10 and int(name) < len(value):
            return value[int(name)]
    return UNDEFINED
