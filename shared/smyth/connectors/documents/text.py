"""Plain text, and bytes as text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from smyth.connectors.documents.document import Part
from smyth.connectors.documents.limits import ParseLimits

_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*")


def read(content: bytes, limits: ParseLimits) -> Iterator[Part]:
    """Yield the paragraphs; a form feed begins a page, where there is one."""
    pages = decoded(content).split("\f")
    for number, page in enumerate(pages, start=1):
        for paragraph in _BLANK_LINES.split(page):
            yield Part(paragraph, number if len(pages) > 1 else None)


def decoded(content: bytes) -> str:
    """Return text in UTF-8, or UTF-16 with its mark, or else what Windows takes bytes for; lines end with ``\\n``."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", "replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")
