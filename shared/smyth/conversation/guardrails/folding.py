# ruff: noqa: RUF001  Letters that are mistaken for others are the matter here.
"""Read a text as people and models do: whatever its letters are made of, and without what nobody sees.

Each character of what comes out knows which character it came from.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

#: What letters of other scripts look like, in print.
_LOOKALIKES = {
    "a": "аАαΑᴀɑ",
    "b": "вВьЬβΒʙƅ",
    "c": "сСϲᴄ",
    "d": "ԁđĐᴅ",
    "e": "еЕεΕᴇҽ",
    "f": "ꜰƒ",
    "g": "ɡցɢ",
    "h": "һҺнНΗհʜ",
    "i": "іІιΙıɪ",
    "j": "јЈϳᴊ",
    "k": "кКκΚᴋ",
    "l": "ӏӀłŁւʟ",
    "m": "мМΜᴍ",
    "n": "пηΝոɴ",
    "o": "оОοΟօøØσᴏ",
    "p": "рРρΡᴘ",
    "q": "ԛ",
    "r": "гᴦʀ",
    "s": "ѕЅꜱ",
    "t": "тТτΤᴛ",
    "u": "υսᴜ",
    "v": "νѵᴠ",
    "w": "ԝωᴡ",
    "x": "хХχΧ",
    "y": "уУγΥʏ",
    "z": "Ζᴢ",
}
_LATIN = {ord(other): letter for letter, others in _LOOKALIKES.items() for other in others}
_TAGS = range(0xE0000, 0xE0080)


@dataclass(frozen=True, slots=True)
class Folded:
    """A text as it reads, and where its characters stood."""

    text: str
    #: For each character its place in the original; None: the same place.
    places: list[int] | None

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """Return where the original holds what is here at ``begin`` to ``end``."""
        if self.places is None:
            return begin, end
        return self.places[begin], self.places[end - 1] + 1


def readable(text: str) -> Folded:
    """Return ``text`` in compatibility forms (NFKC), without invisible characters."""
    return _folded(text, _plain)


def likened(text: str) -> Folded:
    """Return ``text`` as :func:`readable`, and without case, accents and foreign letters that look like Latin ones."""
    return _folded(text, _bare)


def hidden(text: str) -> str:
    """Return what ``text`` says in Unicode's invisible tag characters, which some models read."""
    return "".join(chr(ord(char) - _TAGS.start) for char in text if ord(char) in _TAGS)


def _folded(text: str, fold: Callable[[str], str]) -> Folded:
    if text.isascii():  # Lower case is of the same length here, and nothing else happens.
        return Folded(text.lower() if fold is _bare else text, None)
    pieces: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        piece = fold(char)
        pieces.append(piece)
        places.extend([place] * len(piece))
    return Folded("".join(pieces), places)


@lru_cache(maxsize=8192)
def _plain(char: str) -> str:
    # Format characters (zero-width, direction, tags), joiners of glyphs, and halves of characters say nothing.
    if unicodedata.category(char) in ("Cf", "Cs") or "\ufe00" <= char <= "\ufe0f" or char == "\u034f":
        return ""
    return unicodedata.normalize("NFKC", char)


@lru_cache(maxsize=8192)
def _bare(char: str) -> str:
    parts = unicodedata.normalize("NFKD", _plain(char)).translate(_LATIN).casefold()
    return "".join(part for part in parts if not "\u0300" <= part <= "\u036f")
