"""XLSX: the rows of its sheets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time

import openpyxl
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from smyth.connectors.documents.archive import checked
from smyth.connectors.documents.document import DocumentRefused, Part
from smyth.connectors.documents.limits import ParseLimits
from smyth.connectors.documents.table import rows_as_text


def read(content: bytes, limits: ParseLimits) -> Iterator[Part]:
    """Yield a part for every row; a sheet is a page, and its name the heading.

    Raises:
        DocumentRefused: It has too many sheets.
    """
    workbook = openpyxl.load_workbook(checked(content, limits), read_only=True, data_only=True, keep_links=False)
    sheets = [sheet for sheet in workbook.worksheets if isinstance(sheet, ReadOnlyWorksheet)]
    if len(sheets) > limits.pages:
        raise DocumentRefused("too_large", f"The file has {len(sheets):,} sheets; at most {limits.pages:,} are read.")
    for number, sheet in enumerate(sheets, start=1):
        sheet.reset_dimensions()  # What a file says of its size need not be so.
        rows = ([_text(value) for value in row] for row in sheet.iter_rows(values_only=True))
        for row in rows_as_text(rows):
            yield Part(row, number, sheet.title)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
