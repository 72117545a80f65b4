"""How much a document may be, and what reading it may use up."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """A document above one of these is refused."""

    #: Bytes of the file.
    content_bytes: int = 64 * MEGABYTE
    #: Bytes of all that an archive (DOCX, XLSX, PPTX) unpacks to; the library for PDF has limits of its own.
    unpacked_bytes: int = 256 * MEGABYTE
    #: Files in an archive.
    entries: int = 10_000
    #: Pages, slides or sheets.
    pages: int = 5_000
    #: Characters of text that come out.
    characters: int = 10_000_000
    #: Seconds by the clock, and of a processor.
    seconds: int = 60
    #: Bytes of memory that the reading process may have.
    memory_bytes: int = 640 * MEGABYTE
