"""The headings that a part of a document stands under."""

from __future__ import annotations

_LONGEST = 120
_SEPARATOR = " > "


class Headings:
    """Follows the headings of a document, in reading order."""

    def __init__(self) -> None:
        self._open: list[tuple[int, str]] = []

    def begin(self, level: int, title: str) -> None:
        """Note a heading; it ends those of its level and of finer ones."""
        while self._open and self._open[-1][0] >= level:
            self._open.pop()
        title = " ".join(title.split())
        if title:
            self._open.append((level, title[:_LONGEST]))

    @property
    def path(self) -> str:
        """The open headings, the outermost first."""
        return _SEPARATOR.join(title for _, title in self._open)
