"""Stand-ins for what was found in the texts of one turn, such as ``[EMAIL_1]``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from smyth.conversation.guardrails.pii import Find

_MASK = re.compile(r"\[([A-Z_]{1,20})_(\d{1,6})\]")


class Masks:
    """Gives the same value the same mask throughout the turn, and values their places back."""

    def __init__(self) -> None:
        self._masks: dict[tuple[str, str], str] = {}
        self._originals: dict[str, str] = {}
        #: The highest number of each kind that stands in the turn's texts.
        self._numbers: Counter[str] = Counter()

    def seen(self, text: str) -> None:
        """Leave the masks that ``text`` already holds to it, such as those of an earlier turn."""
        for kind, number in _MASK.findall(text):
            self._numbers[kind] = max(self._numbers[kind], int(number))

    def masked(self, text: str, finds: Iterable[Find], *, restore: bool) -> str:
        """Return ``text`` with masks; ``restore`` lets :meth:`restored` put these originals back."""
        pieces: list[str] = []
        done = 0
        for found in finds:
            mask = self._mask(found)
            if restore:
                self._originals.setdefault(mask, text[found.begin : found.end])
            pieces += (text[done : found.begin], mask)
            done = found.end
        return "".join((*pieces, text[done:]))

    def restored(self, text: str) -> str:
        """Return ``text`` with the originals that may be put back."""
        return _MASK.sub(lambda mask: self._originals.get(mask.group(), mask.group()), text)

    def _mask(self, found: Find) -> str:
        kind = found.entity.upper()
        if (kind, found.value) not in self._masks:
            self._numbers[kind] += 1
            self._masks[kind, found.value] = f"[{kind}_{self._numbers[kind]}]"
        return self._masks[kind, found.value]
