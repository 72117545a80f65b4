"""Split long texts into pieces that embed well (CONNECTORS section 9)."""

from __future__ import annotations

from collections.abc import Iterator

#: Where a text is parted, the best place first; the last parts anywhere.
_SEPARATORS = ("\n\n", "\n", " ", "")


def split(text: str, *, size: int = 512, overlap: int = 100) -> list[str]:
    """Return pieces of ``text`` of up to ``size`` characters, in order.

    Neighbours share up to ``overlap`` characters, so that what lies across a border is whole in one of them. A
    text is parted between paragraphs where that is enough, else between lines, words, and at last anywhere.
    """
    return list(_pieces(text, size, overlap, _SEPARATORS))


def _pieces(text: str, size: int, overlap: int, separators: tuple[str, ...]) -> Iterator[str]:
    """Part ``text`` by the first separator that it has, and by the next ones what is still too long."""
    place = next(number for number, separator in enumerate(separators) if separator in text)
    separator, finer = separators[place], separators[place + 1 :]
    fitting: list[str] = []
    for part in text.split(separator) if separator else text:
        if not part:
            continue
        if len(part) <= size:
            fitting.append(part)
            continue
        yield from _joined(fitting, separator, size, overlap)
        fitting = []
        yield from _pieces(part, size, overlap, finer)
    yield from _joined(fitting, separator, size, overlap)


def _joined(parts: list[str], separator: str, size: int, overlap: int) -> Iterator[str]:
    """Join parts to pieces as long as may be; each begins with the last parts of the one before it."""
    first = length = 0  # The piece so far is parts[first:number], joined.
    for number, part in enumerate(parts):
        added = len(part) + (len(separator) if number > first else 0)
        if length + added > size:
            yield from _trimmed(separator.join(parts[first:number]))
            while first < number and (length > overlap or length + len(separator) + len(part) > size):
                length -= len(parts[first]) + (len(separator) if first + 1 < number else 0)
                first += 1
            added = len(part) + (len(separator) if number > first else 0)
        length += added
    yield from _trimmed(separator.join(parts[first:]))


def _trimmed(piece: str) -> Iterator[str]:
    piece = piece.strip()
    if piece:
        yield piece
