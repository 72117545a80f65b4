"""How many tokens a text has, told without a model's vocabulary, which no function carries."""

from __future__ import annotations

import re

#: Letters that small vocabularies know no words of: each is a token.
_SINGLE = r"\u0e00-\u0eff\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_SINGLE}]|[^\W_{_SINGLE}]+|\S")
#: Words up to this long are mostly one token; longer ones, and those with digits, come in pieces.
_WHOLE_WORD = 6
_PIECE_OF_LETTERS = 3
_PIECE_WITH_DIGITS = 2


def estimated_tokens(text: str) -> int:
    """Return about how many tokens a WordPiece vocabulary makes of a text; rather too many than too few."""
    return sum(_tokens_of(word) for word in _WORD.findall(text))


def _tokens_of(word: str) -> int:
    if not word.isalpha():
        return -(-len(word) // _PIECE_WITH_DIGITS)
    if word.isascii() and len(word) <= _WHOLE_WORD:
        return 1
    return -(-len(word) // _PIECE_OF_LETTERS)
