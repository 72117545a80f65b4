"""Texts that an agent's author does not want: phrases, and regular expressions."""

from __future__ import annotations

import re
from typing import Any

from smyth.conversation.guardrails.folding import hidden, likened, readable
from smyth.document.guardrails import Deny

#: What may stand between the words of a phrase; bounded, so that no text takes long.
_BETWEEN = r"[\W_]{1,20}"


class Denied:
    """Finds the patterns of one rule."""

    def __init__(self, rule: Deny) -> None:
        phrases = [pattern for pattern in rule.patterns if isinstance(pattern, str)]
        self._phrases = re.compile("|".join(map(_as_expression, phrases))) if phrases else None
        self._expressions = [_compiled(pattern.regex) for pattern in rule.patterns if not isinstance(pattern, str)]

    def count(self, text: str) -> int:
        """Return how many phrases and expressions ``text`` holds, in plain sight or in invisible characters."""
        return sum(self._count(said) for said in (text, hidden(text)) if said)

    def _count(self, text: str) -> int:
        found = len(set(self._phrases.findall(likened(text).text))) if self._phrases else 0
        if self._expressions:
            plain = readable(text).text
            found += sum(expression.search(plain) is not None for expression in self._expressions)
        return found


def _as_expression(phrase: str) -> str:
    """Return what finds the words of ``phrase``, whatever stands between them, but not inside other words."""
    words = re.findall(r"[^\W_]+", likened(phrase).text)
    return rf"(?<![^\W_]){_BETWEEN.join(words)}(?![^\W_])"


def _compiled(expression: str) -> Any:
    import re2

    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    return re2.compile(expression, options)
