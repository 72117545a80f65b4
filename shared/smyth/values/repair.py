"""Read an object or list from text that is nearly JSON, in linear time.

Understands single, curly, escaped and missing quotes, quotes and line breaks inside texts, comments, missing,
trailing and doubled commas, missing colons and closers, Python's constants, ellipses, and several objects in a row.
What remains unclear is an error, never a guess: sentences in braces are no objects.
"""

from __future__ import annotations

import json
import re
from typing import Any

#: Longer texts are read strictly or not at all: this reader takes about a microsecond for each character.
_LONGEST = 200_000
_DEEPEST = 200
_BLANK = re.compile(r"(?:[\s\u00a0\ufeff]+|//[^\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)|\.\.\.,?)*+")
_COMMAS = re.compile(r"[,\s]*")
_CONSTANT = re.compile(r"(true|false|null|True|False|None|undefined)(?=\s*(?:[,\]}]|//|/\*|\Z))")
_CONSTANTS = {"true": True, "True": True, "false": False, "False": False}
_NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][+-]?[0-9]*)?(?=[\s,\]}]|\Z)")
_NAME = re.compile(r"[^\s:,{}\[\]\"'][^:,{}\[\]\"'\n]*")
_BARE_TEXT = re.compile(r"[^\s,{}\[\]\"'][^,{}\[\]\"\n]*")
_QUOTES = {'"': '"', "'": "'", "`": "`", "\u201c": "\u201d", "\u2018": "\u2019"}
_PLAIN = {closing: re.compile(rf"[^\\{closing}]*+") for closing in _QUOTES.values()}
#: What may follow a text, so that a quote before it is the closing one.
_AFTER_TEXT = re.compile(r"\s*(?:[,:\]}\[{\"'`\u201c]|//|/\*|\Z)")
_AFTER_VALUE = re.compile(r"\s*(?:[,:\]}]|\Z)")
_VALUE_WITHOUT_COLON = re.compile(r"\Z|[\[{\"'`\u201c0-9-]")
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_UNICODE = re.compile(r"u([0-9a-fA-F]{4})")


class Unrepairable(ValueError):
    """The text means no object or list that one could be sure of."""


def repair(text: str) -> Any:
    """Return the object or list that ``text``, which starts with its bracket, means; of several a list.

    Raises:
        Unrepairable: It means none, is longer than 200,000 characters or deeper than 200 levels.
    """
    if len(text) > _LONGEST:
        raise Unrepairable
    reader = _Reader(text)
    values = [reader.value()]
    while not reader.at_end():
        values.append(reader.value())
    return values[0] if len(values) == 1 else values


class _Reader:
    """Walks over the text once, never back."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def at_end(self) -> bool:
        """Step over surplus closers, and over the line break or comma between two values."""
        start = self._at
        while self._peek() in ("}", "]"):
            self._at += 1
        if self._at == len(self._text):
            return True
        between = self._text[start : self._at]
        if self._peek() == ",":
            self._at += 1
        elif "\n" not in between:
            raise Unrepairable
        if self._peek() not in ("{", "["):
            raise Unrepairable
        return False

    def value(self) -> Any:
        following = self._peek()
        if following == "{":
            return self._nested(self._object)
        if following == "[":
            return self._nested(self._list)
        if self._opens_text():
            return self._quoted()
        return self._bare()

    def _nested(self, read: Any) -> Any:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Unrepairable
        self._at += 1
        value = read()
        self._depth -= 1
        return value

    def _object(self) -> dict[str, Any]:
        members: dict[str, Any] = {}
        while True:
            self._skip_commas()
            following = self._peek()
            if following == "}":
                self._at += 1
                return members
            # The end, or the closer of a list around: the own closer is missing.
            if following in ("", "]"):
                return members
            quoted = self._opens_text()
            name = self._quoted(is_name=True) if quoted else self._name()
            if self._peek() == ":":
                self._at += 1
            elif not quoted or not _VALUE_WITHOUT_COLON.match(self._text, self._at):
                raise Unrepairable
            members[name] = None if self._peek() in ("", ",", "}", "]") else self.value()

    def _list(self) -> list[Any]:
        items: list[Any] = []
        while True:
            self._skip_commas()
            following = self._peek()
            if following == "]":
                self._at += 1
                return items
            # The end, or the closer of an object around: the own closer is missing.
            if following in ("", "}"):
                return items
            items.append(self.value())

    def _name(self) -> str:
        found = _NAME.match(self._text, self._at)
        if not found:
            raise Unrepairable
        self._at = found.end()
        return found[0].rstrip()

    def _bare(self) -> Any:
        """Read a number, a constant, or a text without quotes."""
        if (found := _CONSTANT.match(self._text, self._at)) is not None:
            self._at = found.end()
            return _CONSTANTS.get(found[0])
        if (found := _NUMBER.match(self._text, self._at)) is not None and found[0]:
            self._at = found.end()
            return _number(found)
        found = _BARE_TEXT.match(self._text, self._at)
        if not found:
            raise Unrepairable
        self._at = found.end()
        return found[0].rstrip()

    def _opens_text(self) -> bool:
        return self._peek() in _QUOTES or self._text.startswith('\\"', self._at)

    def _quoted(self, *, is_name: bool = False) -> str:
        """Read a text in quotes; unless it is a name, a quote that nothing fitting follows belongs to it."""
        if self._text[self._at] == "\\":
            return self._quoted_by_escapes()
        closing = _QUOTES[self._text[self._at]]
        self._at += 1
        parts: list[str] = []
        while (plain := _PLAIN[closing].match(self._text, self._at)) is not None:
            parts.append(plain[0])
            self._at = plain.end()
            if self._at == len(self._text):
                # Cut off; but after quotes of its own who knows where it should have ended.
                if closing in parts:
                    raise Unrepairable
                break
            if self._text[self._at] == "\\":
                parts.append(self._escape())
                continue
            self._at += 1
            if is_name or self._closed(closing):
                break
            parts.append(closing)
        return _with_whole_characters("".join(parts))

    def _closed(self, closing: str) -> bool:
        """Tell whether the quote just read ends the text: not if the very next one fits better."""
        if self._text.startswith(closing, self._at) and _AFTER_VALUE.match(self._text, self._at + 1):
            return False
        return _AFTER_TEXT.match(self._text, self._at) is not None

    def _quoted_by_escapes(self) -> str:
        start = self._at + 2
        end = self._text.find('\\"', start)
        if end < 0:
            raise Unrepairable
        self._at = end + 2
        return self._text[start:end]

    def _escape(self) -> str:
        letter = self._text[self._at + 1 : self._at + 2]
        if (code := _UNICODE.match(self._text, self._at + 1)) is not None:
            self._at = code.end()
            return chr(int(code[1], 16))
        self._at += 1 + len(letter)
        return _ESCAPES.get(letter, letter)

    def _skip_commas(self) -> None:
        while self._peek() == ",":
            found = _COMMAS.match(self._text, self._at)
            assert found is not None
            self._at = found.end()

    def _peek(self) -> str:
        """Step over blanks and comments, and return the next character; at the end nothing."""
        blank = _BLANK.match(self._text, self._at)
        assert blank is not None
        self._at = blank.end()
        return self._text[self._at : self._at + 1]


def _with_whole_characters(text: str) -> str:
    """Join the halves of characters that were written as two escapes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return text


def _number(found: re.Match[str]) -> int | float | None:
    """Return a number that may lack digits before or after its point or in its exponent."""
    sign, whole, fraction, exponent = found.groups()
    digits = f"{sign}{whole or '0'}"
    if fraction and len(fraction) > 1:
        digits += fraction
    if exponent and exponent[-1].isdigit():
        digits += exponent
    try:
        number: int | float = json.loads(digits)
    except ValueError:
        return None
    return number if abs(number) != float("inf") else None
