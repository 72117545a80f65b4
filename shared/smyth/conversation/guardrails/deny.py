"""Texts that an agent's author does not want: phrases, and regular expressions."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from smyth.conversation.guardrails.folding import hidden, likened, readable
from smyth.document.guardrails import Deny

#: What stands between words.
_BETWEEN = re.compile(r"[\W_]+")
#: Scripts in which a word stands among others without spaces, or grows at its end.
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR")


class Denied:
    """Finds the patterns of one rule."""

    def __init__(self, rule: Deny) -> None:
        self._phrases = {_phrase(pattern) for pattern in rule.patterns if isinstance(pattern, str)}
        self._expressions = [_compiled(pattern.regex) for pattern in rule.patterns if not isinstance(pattern, str)]

    def count(self, text: str) -> int:
        """Return how many phrases and expressions ``text`` holds, in plain sight or in invisible characters."""
        return sum(self._count(said) for said in (text, hidden(text)) if said)

    def _count(self, text: str) -> int:
        words = _words(text) if self._phrases else ""
        found = sum(phrase in words for phrase in self._phrases)
        if self._expressions:
            plain = readable(text).text
            found += sum(expression.search(plain) is not None for expression in self._expressions)
        return found


def _phrase(pattern: str) -> str:
    """Return what ``pattern`` looks like in :func:`_words`; in scripts without spaces words have no ends."""
    phrase = _words(pattern)
    first, last = (unicodedata.name(char, "").startswith(_UNSPACED) for char in (phrase[1], phrase[-2]))
    return phrase[first : len(phrase) - last]


def _words(text: str) -> str:
    """Return the words of ``text`` with a space around each, so that a phrase is found as words and not inside them."""
    return f" {_BETWEEN.sub(' ', likened(text).text).strip()} "


def _compiled(expression: str) -> Any:
    import re2

    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    return re2.compile(expression, options)
