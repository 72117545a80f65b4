"""JavaScript's rules for truth, text and numbers, on Python's JSON values."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from smyth.values.paths import UNDEFINED

#: From here on JavaScript's numbers are no longer exact.
_EXACT_INTEGERS = 2**53
_SURROGATE = re.compile("[\ud800-\udfff]")


def truthy(value: Any) -> bool:
    """Tell whether JavaScript takes ``value`` for true: empty lists and objects are, ``"false"`` is too."""
    if value is None or value is UNDEFINED or value is False:
        return False
    if isinstance(value, str):
        return value != ""
    if isinstance(value, (int, float)):
        return value != 0 and value == value
    return True


def to_text(value: Any) -> str:
    """Return ``value`` as ``String(value)`` prints it: ``5`` not ``5.0``, ``1,2`` for lists, ``[object Object]``."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, (list, tuple)):
        return ",".join("" if item is None or item is UNDEFINED else to_text(item) for item in value)
    return "undefined" if value is UNDEFINED else "[object Object]"


def number_text(number: int | float) -> str:
    """Return ``number`` as JavaScript prints it: ``5``, ``0.1``, ``1e+21``, ``NaN``."""
    if isinstance(number, int):
        if -_EXACT_INTEGERS <= number <= _EXACT_INTEGERS:
            return str(number)
        try:
            number = float(number)
        except OverflowError:
            number = math.inf if number > 0 else -math.inf
    if not math.isfinite(number):
        return "NaN" if number != number else "Infinity" if number > 0 else "-Infinity"
    # In this range Python's shortest form differs from JavaScript's only in a closing ".0".
    if 1e-4 <= abs(number) < 1e16 or number == 0:
        return repr(abs(number) if number == 0 else number).removesuffix(".0")
    return _exponent_text(number)


def _exponent_text(number: float) -> str:
    """Lay out the shortest digits of ``number`` as ECMAScript's Number::toString says."""
    mantissa, _, exponent = f"{abs(number)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    point = len(whole) + int(exponent or 0)
    sign = "-" if number < 0 else ""
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{rest}e{point - 1:+d}"


def received(value: Any) -> str:
    """Tell what ``value`` is, as the argument errors of Node end: agents hand these texts on (compat README)."""
    if value is None or value is UNDEFINED:
        return f"Received {to_text(value)}"
    if isinstance(value, (bool, int, float)):
        return f"Received type {'boolean' if isinstance(value, bool) else 'number'} ({to_text(value)})"
    return f"Received an instance of {'Array' if isinstance(value, list) else 'Object'}"


def to_json(value: Any) -> str:
    """Return ``value`` as ``JSON.stringify(value)`` prints it: no spaces, no ASCII escapes, no NaN."""
    parts: list[str] = []
    _write_json(value, parts)
    return "".join(parts)


def _write_json(value: Any, parts: list[str]) -> None:
    if isinstance(value, str):
        parts.append(_quoted(value))
    elif value is None or value is UNDEFINED:
        parts.append("null")
    elif isinstance(value, bool):
        parts.append("true" if value else "false")
    elif isinstance(value, (int, float)):
        text = number_text(value)
        parts.append(text if text[-1].isdigit() else "null")
    elif isinstance(value, dict):
        separator = "{"
        for key, member in value.items():
            if member is not UNDEFINED:
                parts += (separator, _quoted(str(key)), ":")
                _write_json(member, parts)
                separator = ","
        parts.append("{}" if separator == "{" else "}")
    elif isinstance(value, (list, tuple)):
        separator = "["
        for item in value:
            parts.append(separator)
            _write_json(item, parts)
            separator = ","
        parts.append("[]" if separator == "[" else "]")
    else:
        parts.append(_quoted(str(value)))


def _quoted(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    if text.isascii():
        return quoted
    # Half a surrogate pair has no form in UTF-8; JSON.stringify escapes it too.
    return _SURROGATE.sub(lambda half: f"\\u{ord(half.group()):04x}", quoted)
