"""DOCX: paragraphs and rows of tables under their headings."""

from __future__ import annotations

import re
from collections.abc import Iterator

import docx
from docx.table import Table
from docx.text.paragraph import Paragraph

from smyth.connectors.documents.archive import checked
from smyth.connectors.documents.document import Part
from smyth.connectors.documents.headings import Headings
from smyth.connectors.documents.limits import ParseLimits
from smyth.connectors.documents.table import rows_as_text

_HEADING = re.compile(r"heading ?([1-9])", re.IGNORECASE)


def read(content: bytes, limits: ParseLimits) -> Iterator[Part]:
    """Yield paragraphs and rows; where pages begin, only a printer knows."""
    headings = Headings()
    for block in docx.Document(checked(content, limits)).iter_inner_content():
        if isinstance(block, Table):
            for row in rows_as_text([_text(cell) for cell in row.cells] for row in block.rows):
                yield Part(row, section=headings.path)
        elif (level := _level(block)) is not None:
            headings.begin(level, block.text)
        else:
            yield Part(block.text, section=headings.path)


def _text(cell: object) -> str:
    """Return a cell's text; a table inside it is left out, for nothing bounds how deep they nest."""
    return str(getattr(cell, "text", ""))


def _level(paragraph: Paragraph) -> int | None:
    """Return which level of heading a paragraph is, or None for text."""
    style = paragraph.style
    if style is None:
        return None
    if style.name == "Title":
        return 0
    found = _HEADING.fullmatch(style.name or "")
    return int(found[1]) if found else None
