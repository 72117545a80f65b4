"""Documents in pieces that embed well: parted by structure first, then by tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

from smyth.connectors.documents.document import ParsedDocument
from smyth.connectors.documents.tokens import estimated_tokens

#: What small embedding models read of a text; they leave out the rest without a word.
WINDOW = 256
#: A little less, for tokens are estimated.
_TOKENS = 248
_OVERLAP = 32
#: Where a text is parted, the best place first, and what stands there.
_LEVELS: tuple[tuple[str, Callable[[str], list[str]]], ...] = (
    ("\n", str.splitlines),
    (" ", re.compile(r"(?<=[.!?])\s+|(?<=[\u3002\uff01\uff1f])").split),
    (" ", str.split),
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document, all of one page and under one heading."""

    text: str
    page: int | None
    section: str
    #: From 0, in reading order.
    number: int

    @property
    def to_embed(self) -> str:
        """The text with its headings before it: what it is about often stands only there."""
        return f"{self.section}\n{self.text}" if self.section else self.text


def chunks(
    document: ParsedDocument,
    *,
    tokens: int = _TOKENS,
    overlap: int = _OVERLAP,
    count: Callable[[str], int] = estimated_tokens,
) -> list[Chunk]:
    """Cut a document into pieces.

    No piece crosses a page or a heading. Longer stretches are parted between paragraphs where that is enough, else
    between sentences, words, and at last anywhere.

    Args:
        document: What was read.
        tokens: The most tokens of a piece, its headings among them.
        overlap: The most tokens of a piece that come again in the next one.
        count: Tells how many tokens a text has.
    """
    made: list[Chunk] = []
    for (page, section), parts in groupby(document.parts, key=lambda part: (part.page, part.section)):
        # Two for the marks that a model puts around each text; headings leave the text most of the room.
        room = max(tokens - 2 - (count(section) if section else 0), tokens // 2)
        pieces = [piece for part in parts for piece in _pieces(part.text, room, count)]
        for text in _joined(pieces, room, overlap):
            made.append(Chunk(text, page, section, len(made)))
    return made


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is not parted any more: a paragraph, a line, a sentence, a word; with what stands before it."""

    before: str
    text: str
    tokens: int


def _pieces(text: str, room: int, count: Callable[[str], int], before: str = "\n", level: int = 0) -> Iterator[_Piece]:
    """Part what is too long, as coarsely as may be."""
    tokens = count(text)
    if tokens <= room:
        yield _Piece(before, text, tokens)
    elif level == len(_LEVELS):
        # No letter has more than one token.
        for start in range(0, len(text), room):
            piece = text[start : start + room]
            yield _Piece("" if start else before, piece, len(piece))
    else:
        separator, part = _LEVELS[level]
        for piece in filter(None, part(text)):
            yield from _pieces(piece, room, count, before, level + 1)
            before = separator


def _joined(pieces: list[_Piece], room: int, overlap: int) -> Iterator[str]:
    """Join pieces to texts as long as may be; each begins with the last pieces of the one before it."""
    open_: list[_Piece] = []
    used = 0
    for piece in pieces:
        if used + piece.tokens > room:
            yield _text(open_)
            again = min(overlap, room - piece.tokens)
            while open_ and used > again:
                used -= open_.pop(0).tokens
        open_.append(piece)
        used += piece.tokens
    yield _text(open_)


def _text(pieces: list[_Piece]) -> str:
    return "".join(piece.before + piece.text for piece in pieces).strip()
