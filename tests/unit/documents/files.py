"""Small documents of every format."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import docx
import openpyxl
from fpdf import FPDF

_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
_SLIDES = "http://schemas.openxmlformats.org/presentationml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"


def pdf(*pages: str, password: str = "") -> bytes:
    file = FPDF()
    file.set_font("helvetica", size=12)
    for text in pages:
        file.add_page()
        if text:
            file.multi_cell(0, 10, text)
    if password:
        file.set_encryption(owner_password="owner", user_password=password)
    return bytes(file.output())


def word(*blocks: tuple[str, str]) -> bytes:
    """A file of blocks: a style and a text."""
    file = docx.Document()
    for style, text in blocks:
        file.add_paragraph(text, style=style)
    table = file.add_table(2, 2)
    for cell, text in zip(
        [cell for row in table.rows for cell in row.cells], ["Plan", "Price", "Pro", "9"], strict=True
    ):
        cell.text = text
    content = io.BytesIO()
    file.save(content)
    return content.getvalue()


def workbook(sheets: Mapping[str, list[list[object]]]) -> bytes:
    file = openpyxl.Workbook()
    file.remove(file.active)
    for name, rows in sheets.items():
        sheet = file.create_sheet(name)
        for row in rows:
            sheet.append(row)
    content = io.BytesIO()
    file.save(content)
    return content.getvalue()


def slides(*texts: tuple[str, str], notes: str = "") -> bytes:
    """A presentation of slides, each with a title and a text; in the archive they lie in the wrong order."""
    entries: dict[str, str] = {}
    relations, ids = [], []
    for number, (title, text) in enumerate(texts, start=1):
        place = len(texts) - number + 1
        entries[f"ppt/slides/slide{place}.xml"] = (
            f'<p:sld xmlns:p="{_SLIDES}" xmlns:a="{_DRAWING}"><p:cSld><p:spTree>'
            f"{_shape(title, 'title')}{_shape(text, 'body')}</p:spTree></p:cSld></p:sld>"
        )
        relations.append(f'<Relationship Id="r{number}" Type="{_OFFICE}/slide" Target="slides/slide{place}.xml"/>')
        ids.append(f'<p:sldId id="{number}" r:id="r{number}"/>')
        if notes:
            entries[f"ppt/slides/_rels/slide{place}.xml.rels"] = (
                f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="n" Type="{_OFFICE}/notesSlide" '
                f'Target="../notesSlides/notes.xml"/></Relationships>'
            )
            entries["ppt/notesSlides/notes.xml"] = (
                f'<p:notes xmlns:p="{_SLIDES}" xmlns:a="{_DRAWING}">{_shape(notes, "body")}</p:notes>'
            )
    entries["ppt/_rels/presentation.xml.rels"] = (
        f'<Relationships xmlns="{_RELATIONS}">{"".join(relations)}</Relationships>'
    )
    entries["ppt/presentation.xml"] = (
        f'<p:presentation xmlns:p="{_SLIDES}" xmlns:r="{_OFFICE}"><p:sldIdLst>{"".join(ids)}</p:sldIdLst>'
        "</p:presentation>"
    )
    return archive(entries)


def archive(entries: Mapping[str, str | bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in entries.items():
            file.writestr(name, text)
    return content.getvalue()


def _shape(text: str, kind: str) -> str:
    return (
        f'<p:sp><p:nvSpPr><p:nvPr><p:ph type="{kind}"/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>{text}</a:t></a:r>'
        "</a:p></p:txBody></p:sp>"
    )
