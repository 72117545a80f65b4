"""Rows as text: every value beside the name of its column, so that a row is understood alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from smyth.connectors.documents.document import Part
from smyth.connectors.documents.limits import ParseLimits
from smyth.connectors.documents.text import decoded


def read(content: bytes, limits: ParseLimits) -> Iterator[Part]:
    """Yield the rows of a CSV file, whatever parts its values."""
    text = decoded(content)
    csv.field_size_limit(limits.characters)
    for row in rows_as_text(csv.reader(io.StringIO(text, newline=""), _dialect(text))):
        yield Part(row)


def rows_as_text(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield a text for every row but the first with values, which names the columns."""
    names: Sequence[str] | None = None
    for row in rows:
        values = [" ".join(value.split()) for value in row]
        if not any(values):
            continue
        if names is None:
            names = values
            yield "; ".join(value for value in values if value)
            continue
        columns = [*names, *[""] * (len(values) - len(names))]
        yield "; ".join(
            f"{name}: {value}" if name else value for name, value in zip(columns, values, strict=False) if value
        )


def _dialect(text: str) -> type[csv.Dialect]:
    try:
        return csv.Sniffer().sniff(text[:8192], delimiters=",;\t|")
    except csv.Error:  # One column, mostly.
        return csv.excel
