"""Which format a file has: its content decides, its name and type only between kinds of text."""

from __future__ import annotations

import io
import zipfile
from pathlib import PurePosixPath

from smyth.connectors.documents.document import DocumentRefused, Format

READABLE = "PDF, DOCX, XLSX, PPTX, HTML, Markdown, CSV and plain text can be read"
#: Formats by what a name ends with.
_ENDINGS: dict[str, Format] = {
    ".pdf": "pdf",
    ".docx": "docx",
    ".xlsx": "xlsx",
    ".pptx": "pptx",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".md": "markdown",
    ".markdown": "markdown",
    ".csv": "csv",
    ".tsv": "csv",
}
_TYPES: dict[str, Format] = {
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/markdown": "markdown",
    "text/csv": "csv",
    "text/tab-separated-values": "csv",
}
#: What an archive of a format must have inside.
_MAIN_ENTRIES: dict[str, Format] = {
    "word/document.xml": "docx",
    "xl/workbook.xml": "xlsx",
    "ppt/presentation.xml": "pptx",
}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: How the name of the stream begins that a file of Office with a password has, as OLE writes names.
_OLE_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")


def format_of(content: bytes, name: str, content_type: str | None) -> Format:
    """Return the format of a file.

    Raises:
        DocumentRefused: It is none that can be read, or not what it is called.
    """
    called = _ENDINGS.get(PurePosixPath(name).suffix.lower()) or _TYPES.get(
        (content_type or "").partition(";")[0].strip().lower()
    )
    found = _binary_format(content)
    if found is None and called in ("pdf", *_MAIN_ENTRIES.values()):
        raise DocumentRefused(
            "damaged", f"The file is called {called.upper()}, but its content is not. Send the file as it was saved."
        )
    if found is not None:
        return found
    if b"\0" in content and not content.startswith(_BYTE_ORDER_MARKS):
        raise DocumentRefused("unsupported", f"The file is not text and of no known format. {READABLE}.")
    beginning = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if called is None and beginning.startswith((b"<!doctype html", b"<html")):
        return "html"
    return called or "text"


def _binary_format(content: bytes) -> Format | None:
    """Return the format that the first bytes tell of, or None for what may be text."""
    if b"%PDF-" in content[:1024]:
        return "pdf"
    if content.startswith(b"PK\x03\x04"):
        return _archive_format(content)
    if content.startswith(_OLE):
        if _OLE_ENCRYPTED in content:
            raise DocumentRefused("encrypted", "The file needs a password. Save it without one.")
        raise DocumentRefused(
            "unsupported", f"The file is in Office's format of before 2007. Save it as DOCX, XLSX or PPTX. {READABLE}."
        )
    return None


def _archive_format(content: bytes) -> Format:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry, found in _MAIN_ENTRIES.items():
                if entry in archive.NameToInfo:
                    return found
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise DocumentRefused("damaged", "The archive cannot be opened. Send the file as it was saved.") from None
    raise DocumentRefused("unsupported", f"The file is an archive, but no document. {READABLE}.")
