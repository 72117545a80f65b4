"""The archives that documents of Office are: looked over before anything in them is used."""

from __future__ import annotations

import io
import zipfile

from smyth.connectors.documents.document import DocumentRefused
from smyth.connectors.documents.limits import MEGABYTE, ParseLimits

#: Declarations of entities must follow this; no program of Office writes it.
_DOCTYPES = tuple("<!DOCTYPE".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))
_XML_ENDINGS = (".xml", ".rels", ".vml")
_BLOCK = MEGABYTE


def checked(content: bytes, limits: ParseLimits) -> io.BytesIO:
    """Return an archive that is safe to unpack.

    Raises:
        DocumentRefused: It unpacks to too much, has too many entries, is locked, or its XML declares a document type.
    """
    file = io.BytesIO(content)
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if len(entries) > limits.entries:
            raise DocumentRefused(
                "too_large", f"The file has {len(entries):,} parts; at most {limits.entries:,} are read. Split it."
            )
        # Nothing reads more of an entry than it says it has.
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > limits.unpacked_bytes:
            raise DocumentRefused(
                "too_large",
                f"The file unpacks to {unpacked / MEGABYTE:,.0f} MB; at most {limits.unpacked_bytes // MEGABYTE} MB "
                "are read. Leave out pictures, or split it.",
            )
        if any(entry.flag_bits & 1 for entry in entries):
            raise DocumentRefused("encrypted", "The file needs a password. Save it without one.")
        for entry in entries:
            if entry.filename.lower().endswith(_XML_ENDINGS):
                _refuse_doctype(archive, entry)
    file.seek(0)
    return file


def _refuse_doctype(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    with archive.open(entry) as stream:
        end = b""
        while block := stream.read(_BLOCK):
            if any(doctype in end + block for doctype in _DOCTYPES):
                raise DocumentRefused(
                    "damaged", "The file's XML declares a document type, as no Office program does. Save it anew."
                )
            end = block[-32:]
