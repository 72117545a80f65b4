"""Lenient JSON: what people and models write when they mean JSON (ENGINE section 5)."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from smyth.values.paths import UNDEFINED
from smyth.values.repair import Unrepairable, repair


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


_STRICT = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)


def parse(text: str) -> Any:
    """Return the object or list that ``text`` is, repaired if need be, or that stands inside other text.

    Anything else comes back unchanged: ``5`` and ``true`` stay text.
    """
    stripped = text.strip()
    value = _read(stripped)
    if value is UNDEFINED:
        value = _read_inside(stripped)
    return text if value is UNDEFINED else value


def parse_whole(text: str) -> Any:
    """As :func:`parse`, without looking inside other text."""
    value = _read(text.strip())
    return text if value is UNDEFINED else value


def _read(text: str) -> Any:
    if not text.startswith(("{", "[")):
        return UNDEFINED
    try:
        return _STRICT.decode(text)
    except (ValueError, RecursionError):
        pass
    try:
        return repair(text)
    except Unrepairable:
        return UNDEFINED


def _read_inside(text: str) -> Any:
    """Read what lies between the outermost braces or brackets, whichever open first."""
    for opening, closing in sorted((("{", "}"), ("[", "]")), key=lambda pair: text.find(pair[0])):
        start, end = text.find(opening), text.rfind(closing)
        if 0 <= start < end:
            value = _read(text[start : end + 1])
            if value is not UNDEFINED:
                return value
    return UNDEFINED
