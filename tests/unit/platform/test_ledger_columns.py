"""The columns that docs/usage.md tells are those that the ledger's files have."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from smyth.platform.entries import Entry
from smyth.platform.ledger_export import row

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs/usage.md").read_text("utf-8")
_TYPES = {str: "string", int: "bigint", bool: "boolean"}


def columns() -> dict[str, str]:
    at = datetime(2026, 5, 31, tzinfo=UTC)
    written = row(Entry(request_id="1", tenant_id="ten-1", at=at, lease_until=at))
    return {name: _TYPES[type(value)] for name, value in written.items()} | {"markup_percent": "int"}


def test_the_table_of_athena_has_the_columns_of_the_files() -> None:
    body = DOCUMENT.split("CREATE EXTERNAL TABLE smyth_ledger (")[1].split("\n)")[0]
    told = dict(part.strip().replace("`", "").split(" ") for part in body.split(","))
    assert told == columns()


def test_each_column_is_explained() -> None:
    section = DOCUMENT.split("| Column |")[1].split("\n\n")[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| `")]
    told = {name: cells[2].strip() for cells in rows for name in re.findall(r"`(\w+)`", cells[1])}
    assert told == columns()
