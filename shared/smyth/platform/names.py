"""Names that people give to things."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

_UNREADABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def _readable(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    if _UNREADABLE.search(text):
        raise ValueError("must not hold control characters or halves of characters")
    return text


#: One line of text that can be shown, stored and sent.
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_readable)]
