"""PDF: the text of its pages."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator

import pypdf
from pypdf.errors import LimitReachedError
from pypdf.generic import DictionaryObject

from smyth.connectors.documents.document import DocumentRefused, Part
from smyth.connectors.documents.limits import ParseLimits

_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*")


def read(content: bytes, limits: ParseLimits) -> Iterator[Part]:
    """Yield the paragraphs of every page.

    Raises:
        DocumentRefused: It needs a password, has too many pages, or something in it unpacks to too much.
    """
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        # A tree of pages has fewer branches than leaves; the library would walk through it all before it counts.
        with pypdf.apply_configuration(page_tree_maximum_entries=2 * limits.pages):
            yield from _paragraphs(pypdf.PdfReader(io.BytesIO(content)), limits)
    except LimitReachedError:
        raise DocumentRefused(
            "too_large",
            "The PDF holds more than is read: too many pages, or something that unpacks to too much. "
            "Split it, or save it anew without pictures.",
        ) from None


def _paragraphs(reader: pypdf.PdfReader, limits: ParseLimits) -> Iterator[Part]:
    if reader.is_encrypted and not reader.decrypt(""):
        raise DocumentRefused("encrypted", "The PDF needs a password. Save it without one.")
    # What it says of itself first, for counting takes long where the number is true.
    for pages in (_told_pages(reader), len(reader.pages)):
        if pages > limits.pages:
            raise DocumentRefused(
                "too_large", f"The PDF has {pages:,} pages; at most {limits.pages:,} are read. Split it."
            )
    for number, page in enumerate(reader.pages, start=1):
        for paragraph in _BLANK_LINES.split(page.extract_text()):
            yield Part(paragraph, number)


def _told_pages(reader: pypdf.PdfReader) -> int:
    root = reader.root_object.get("/Pages")
    pages = root.get_object() if root is not None else None
    count = pages.get("/Count") if isinstance(pages, DictionaryObject) else None
    return count if isinstance(count, int) else 0
