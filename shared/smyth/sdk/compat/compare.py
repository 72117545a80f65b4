"""When two answers count as equal (the recordings' comparison rules)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

#: Error texts of Node, axios, Joi and parsers: that there is one matters, its words do not.
_LIBRARY_WORDS = re.compile(
    r'Schema Validation error|The ".*" argument|The first argument|Cannot read|Cannot assign|Invalid digest|'
    r"Digest method|error:|TypeError|Expected property|connect ECONN|Failed to parse|Unknown encoding|Invalid URL|"
    r"Maximum number of redirects|Unexpected token",
    re.DOTALL,
)
_DROPPED = "_debug_time"

Place = tuple[str, ...]


def differences(
    expected: Any, actual: Any, *, volatile: Sequence[str] = (), volatile_keys: Sequence[str] = ()
) -> Iterator[str]:
    """Yield one line for each place where the answers differ.

    Args:
        expected: The recorded answer.
        actual: The answer to judge.
        volatile: JSON pointers to values of which only the type is compared; ``*`` is any key.
        volatile_keys: JSON pointers to objects whose members are compared in order, whatever their keys.
    """
    types_only = [_place(pointer) for pointer in volatile]
    any_keys = [_place(pointer) for pointer in volatile_keys]
    yield from _compare(expected, actual, (), types_only, any_keys)


def _compare(expected: Any, actual: Any, place: Place, types_only: list[Place], any_keys: list[Place]) -> Iterator[str]:
    if _type(expected) != _type(actual):
        yield _line(place, expected, actual)
    elif any(_matches(place, pattern) for pattern in types_only):
        return
    elif isinstance(expected, dict):
        yield from _compare_objects(expected, actual, place, types_only, any_keys)
    elif isinstance(expected, list):
        if len(expected) != len(actual):
            yield _line(place, expected, actual)
            return
        for number, (one, other) in enumerate(zip(expected, actual, strict=True)):
            yield from _compare(one, other, (*place, str(number)), types_only, any_keys)
    elif expected != actual and not (_is_library_text(expected, place) and actual):
        yield _line(place, expected, actual)


def _compare_objects(
    expected: dict[str, Any], actual: dict[str, Any], place: Place, types_only: list[Place], any_keys: list[Place]
) -> Iterator[str]:
    expected = {key: value for key, value in expected.items() if key != _DROPPED}
    actual = {key: value for key, value in actual.items() if key != _DROPPED}
    if any(_matches(place, pattern) for pattern in any_keys):
        if len(expected) != len(actual):
            yield _line(place, expected, actual)
            return
        for (key, one), other in zip(expected.items(), actual.values(), strict=True):
            yield from _compare(one, other, (*place, key), types_only, any_keys)
        return
    for key, value in expected.items():
        if key in actual:
            yield from _compare(value, actual[key], (*place, key), types_only, any_keys)
        else:
            yield f"{_pointer((*place, key))} is missing, expected {_short(value)}"
    for key in actual.keys() - expected.keys():
        yield f"{_pointer((*place, key))} is not expected, got {_short(actual[key])}"


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    names = {dict: "object", list: "array", str: "string", int: "number", float: "number", type(None): "null"}
    return names[type(value)]


def _is_library_text(expected: Any, place: Place) -> bool:
    under_error = bool(place) and place[-1] in ("_error", "error")
    return under_error and isinstance(expected, str) and _LIBRARY_WORDS.match(expected) is not None


def _place(pointer: str) -> Place:
    """Return the parts of a JSON pointer (RFC 6901)."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def _matches(place: Place, pattern: Place) -> bool:
    return len(place) == len(pattern) and all(want in ("*", part) for part, want in zip(place, pattern, strict=True))


def _pointer(place: Place) -> str:
    return "/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in place)


def _line(place: Place, expected: Any, actual: Any) -> str:
    return f"{_pointer(place)}: expected {_short(expected)}, got {_short(actual)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else f"{text[:157]}..."
