"""Convert a value to the declared type of an input (ENGINE section 5; compat README, quirks 32 to 39)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from smyth.values.dates import iso_text, milliseconds
from smyth.values.js import number_text, to_json, to_text, truthy
from smyth.values.lenient import parse

#: JavaScript's white space; ``str.strip`` alone keeps the byte order mark.
_SPACE = " \t\n\v\f\r\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_NUMBER = re.compile(rf"[{_SPACE}]*([+-]?(?:Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?))")
_INTEGER = re.compile(rf"[{_SPACE}]*([+-]?)(?:0[xX]([0-9a-fA-F]+)|([0-9]+))")


class InvalidValue(ValueError):
    """A value does not fit its declared type; the message becomes the component's error."""


def convert(value: Any, type_name: str | None) -> Any:
    """Return ``value`` converted to the type that an input declares.

    Falsy values and unknown types pass unchanged; names of types ignore case. Binary, Image, Audio and Video pass.

    Raises:
        InvalidValue: The value cannot be converted.
    """
    converter = _CONVERTERS.get(type_name.lower()) if type_name else None
    if converter is None or not truthy(value):
        return value
    try:
        return converter(value)
    except RecursionError:
        raise InvalidValue(f"Invalid {type_name} value: it is nested too deeply") from None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return "" if value in ("null", "undefined") else value
    return to_json(value) if isinstance(value, (dict, list)) else to_text(value)


def _number(value: Any) -> int | float | None:
    """Read a leading number as ``parseFloat`` does."""
    found = _NUMBER.match(to_text(value))
    if not found:
        raise InvalidValue("Invalid Number value")
    return _json_number(float(found[1]))


def _integer(value: Any) -> int | float | None:
    """Read a leading integer as ``parseInt`` does."""
    found = _INTEGER.match(to_text(value))
    if not found:
        raise InvalidValue("Invalid Integer value")
    sign, hexadecimal, decimal = found.groups()
    try:
        size = float(int(hexadecimal, 16)) if hexadecimal else float(decimal)
    except OverflowError:
        size = math.inf
    return _json_number(-size if sign == "-" else size)


def _json_number(number: float) -> int | float | None:
    """Return ``number`` as JSON carries it: whole numbers without a fraction, infinity as null."""
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and abs(number) < 1e21 else number


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = number_text(value) if isinstance(value, (int, float)) else value
    known = {"true": True, "1": True, "false": False, "0": False}
    if isinstance(word, str) and word.lower() in known:
        return known[word.lower()]
    raise InvalidValue("Invalid Boolean value")


def _array(value: Any) -> list[Any]:
    if isinstance(value, str):
        if not value.lstrip().startswith("["):
            return value.split(",")
        value = parse(value)
    if isinstance(value, list):
        return value
    raise InvalidValue("Invalid Array value")


def _object(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        value = parse(value)
    if isinstance(value, dict):
        return value
    raise InvalidValue("Invalid Object value")


def _date(value: Any) -> str:
    moment = milliseconds(value)
    if moment is None:
        raise InvalidValue(
            "Invalid Date value\n"
            "The date string is expected to be in a format commonly used in English-speaking countries."
        )
    return iso_text(moment)


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "text": _text,
    "string": _text,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "array": _array,
    "object": _object,
    "date": _date,
}
