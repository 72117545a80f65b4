"""Documents that are made to do harm."""

from __future__ import annotations

import io
import zipfile
import zlib

from tests.unit.documents.files import archive

_MAIN = "word/document.xml"


def zip_bomb(size: int) -> bytes:
    """A small DOCX that unpacks to ``size`` bytes."""
    return archive({_MAIN: b"\0" * size})


def lying_zip_bomb(size: int) -> bytes:
    """The same, which says that it unpacks to 100 bytes."""
    content, told = bytearray(zip_bomb(size)), size.to_bytes(4, "little")
    while (at := content.find(told)) >= 0:
        content[at : at + 4] = (100).to_bytes(4, "little")
    return bytes(content)


def many_entries(count: int) -> bytes:
    """An XLSX of so many parts."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("xl/workbook.xml", "")
        for number in range(1, count):
            file.writestr(f"xl/{number}.xml", "")
    return content.getvalue()


def entities(main: str = _MAIN, encoding: str = "utf-8") -> bytes:
    """A document whose XML would expand to a billion laughs."""
    lines = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    xml = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE x [<!ENTITY e0 "ha">{lines}]><x>&e9;</x>'
    return archive({main: xml.encode(encoding)})


def pdf_of_one_page(stream: bytes) -> bytes:
    """A PDF with a page of this content, packed."""
    packed = zlib.compress(stream, 9)
    page = b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>/MediaBox[0 0 9 9]>>"
    content = b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(packed), packed)
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    return _pdf(b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page, content, font)


def pdf_of_pages(count: int, *, told: int | None = None) -> bytes:
    """A PDF of empty pages, which says that it has ``told``."""
    kids = b" ".join(b"%d 0 R" % number for number in range(3, 3 + count))
    pages = b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, count if told is None else told)
    return _pdf(pages, *[b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"] * count)


def _pdf(*objects: bytes) -> bytes:
    """A PDF of its pages and what belongs to them."""
    content, places = bytearray(b"%PDF-1.4\n"), []
    for number, one in enumerate((b"<</Type/Catalog/Pages 2 0 R>>", *objects), start=1):
        places.append(b"%010d 00000 n \n" % len(content))
        content += b"%d 0 obj%s endobj\n" % (number, one)
    size, table = len(places) + 1, b"0000000000 65535 f \n" + b"".join(places)
    end = b"xref\n0 %d\n%strailer<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF"
    return bytes(content) + end % (size, table, size, len(content))
