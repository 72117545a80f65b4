"""How many tokens a text has, told without a model's vocabulary, which no function carries."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]+|[^\s]")
#: Letters that small vocabularies know no words of: each is a token.
_SINGLE = re.compile(r"[\u0e00-\u0eff\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
#: Words up to this long are mostly one token; digits and longer words come in pieces of about this many letters.
_WHOLE_WORD = 6
_PIECE = 3


def estimated_tokens(text: str) -> int:
    """Return about how many tokens a WordPiece vocabulary makes of a text; rather too many than too few."""
    return sum(_tokens_of(word) for word in _WORD.findall(text))


def _tokens_of(word: str) -> int:
    single = len(_SINGLE.findall(word))
    if single:
        return len(word)
    if word.isascii() and word.isalpha() and len(word) <= _WHOLE_WORD:
        return 1
    return -(-len(word) // _PIECE)
