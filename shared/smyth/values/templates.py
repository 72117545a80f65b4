"""Fill ``{{name}}`` placeholders (ENGINE section 6; compat README, quirks 22 to 25 and 28)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from smyth.values.js import to_json, to_text
from smyth.values.paths import UNDEFINED, get_path

#: How long an expanded text may become. Values may hold placeholders, so a few short ones can ask for gigabytes.
MAX_LENGTH = 8_000_000
_LINE_BREAK = re.compile("[\n\r\u2028\u2029]")


class TextTooLong(ValueError):
    """The placeholders of a text fill it beyond all measure."""

    def __init__(self) -> None:
        super().__init__(
            f"The filled text is longer than {MAX_LENGTH:,} characters. "
            "Check for placeholders whose values contain placeholders."
        )


def with_escaped_quotes(text: str) -> str:
    """Return ``text`` as templates insert it; a quote that is escaped already is not escaped twice."""
    return text.replace('\\"', '"').replace('"', '\\"')


def expand(
    text: str,
    scope: Mapping[str, Any],
    *,
    passes: int = 5,
    secret: Collection[str] = (),
    written: Callable[[str], str] = with_escaped_quotes,
) -> str:
    """Fill the placeholders of ``text`` with the values of ``scope``.

    A placeholder is a name or a path (``{{a.b[0].c}}``), without spaces. Texts are inserted with their double
    quotes escaped, objects and lists as JSON. What is unknown, null or undefined stays as it is. Inserted values
    may hold placeholders themselves, which the next passes fill.

    Args:
        passes: How often to look again; 1 leaves placeholders inside inserted values alone.
        secret: Names that are filled where ``text`` itself has them, but never inside inserted values. Whoever
            supplies a value can so not read them.
        written: How a text is written where it is inserted.

    Raises:
        TextTooLong: The result would be longer than :data:`MAX_LENGTH`.
    """
    if "{{" not in text:
        return text
    for number in range(passes):
        if number == 1 and secret:
            scope = {name: value for name, value in scope.items() if name not in secret}
        filled = _fill(text, scope, written)
        if filled == text:
            break
        text = filled
    return text


def _fill(text: str, scope: Mapping[str, Any], written: Callable[[str], str]) -> str:
    """Fill each placeholder once; linear in the length of ``text`` whatever it holds."""
    parts: list[str] = []
    length = copied = searched = 0
    end = -1
    while (start := text.find("{{", searched)) >= 0:
        if end < start + 2:
            end = text.find("}}", start + 2)
            if end < 0:
                break
        if found := _LINE_BREAK.search(text, start, end):
            searched = found.end()
            continue
        searched = end + 2
        inserted = _inserted(scope, text[start + 2 : end], written)
        if inserted is not None:
            length += start - copied + len(inserted)
            if length > MAX_LENGTH:
                raise TextTooLong
            parts += (text[copied:start], inserted)
            copied = searched
    parts.append(text[copied:])
    return "".join(parts)


def _inserted(scope: Mapping[str, Any], name: str, written: Callable[[str], str]) -> str | None:
    """Return the text that stands for a placeholder; None leaves the placeholder."""
    value = scope.get(name)
    if value is None or value is UNDEFINED:
        value = get_path(scope, name)
        if value is None or value is UNDEFINED:
            return None
    if isinstance(value, str):
        return written(value)
    return to_json(value) if isinstance(value, (dict, list, tuple)) else to_text(value)
