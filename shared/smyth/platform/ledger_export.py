"""The ledger as files: final entries as gzip JSON lines, by the day they count for, ready for Athena.

A file holds the entries of five minutes, each under its request id. Writing entries that a file has already
changes nothing, so deliveries may be repeated, cut and mixed as the table's stream pleases.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from smyth.platform.entries import Entry
from smyth.platform.times import rfc3339

_MINUTES = 5
#: The columns that name something of a tenant.
_NAMES = ("key_id", "agent_id", "route", "model")


class LedgerFiles(Protocol):
    """Where the files live."""

    def read(self, name: str) -> tuple[bytes, str] | None:
        """Return a file and the mark of this version of it; None where there is none."""
        ...

    def write(self, name: str, content: bytes, seen: str | None) -> bool:
        """Write a file that is still the version ``seen``, or not there for None; False where it is not."""
        ...


class ExportFailed(Exception):
    """Others kept writing the same file; the delivery is to be repeated."""


_ATTEMPTS = 20


def export(files: LedgerFiles, entries: Iterable[Entry]) -> int:
    """Add final entries to their files and return how many were new.

    Raises:
        ExportFailed: Others kept writing the same file.
    """
    by_file: dict[str, dict[str, dict[str, Any]]] = {}
    for entry in entries:
        by_file.setdefault(file_name(entry), {})[entry.request_id] = row(entry)
    return sum(_add(files, name, rows) for name, rows in sorted(by_file.items()))


def forget_names(files: LedgerFiles, tenant_id: str, times: Iterable[datetime]) -> None:
    """Take out of the files of those times what names anything of a tenant; its amounts stay.

    Raises:
        ExportFailed: Others kept writing the same file.
    """
    for name in sorted({_file_of(at) for at in times}):
        _forget(files, name, tenant_id)


def file_name(entry: Entry) -> str:
    """Return which file an entry belongs into: ``day=2026-05-31/0915.json.gz``."""
    return _file_of(entry.at)


def row(entry: Entry) -> dict[str, Any]:
    """Return an entry as its line; the names are the columns of docs/usage.md. Money in micro-USD."""
    return {
        "request_id": entry.request_id,
        "tenant_id": entry.tenant_id,
        "at": rfc3339(entry.at),
        "key_id": entry.key_id,
        "agent_id": entry.agent_id,
        "route": entry.route,
        "plan": entry.plan,
        "meter": entry.meter,
        "status": entry.status,
        "model": entry.model,
        "input_tokens": entry.input_tokens,
        "output_tokens": entry.output_tokens,
        "cached_tokens": entry.cached_tokens,
        "provider_cost": entry.provider_cost,
        "markup_percent": entry.markup_percent,
        "fee": entry.fee,
        "overage": entry.overage,
        "price": entry.price,
        "duration_ms": entry.duration_ms,
    }


def read_rows(content: bytes) -> dict[str, dict[str, Any]]:
    """Return a file's rows by their request ids."""
    rows = (json.loads(line) for line in gzip.decompress(content).splitlines())
    return {row["request_id"]: row for row in rows}


def _file_of(at: datetime) -> str:
    return f"day={at:%Y-%m-%d}/{at:%H}{at.minute - at.minute % _MINUTES:02d}.json.gz"


def _forget(files: LedgerFiles, name: str, tenant_id: str) -> None:
    nothing = dict.fromkeys(_NAMES, "")
    for _ in range(_ATTEMPTS):
        found = files.read(name)
        known = read_rows(found[0]) if found else {}
        less = {id: row | nothing if row["tenant_id"] == tenant_id else row for id, row in known.items()}
        if found is None or less == known or files.write(name, _packed(less), found[1]):
            return
    raise ExportFailed(f"Others kept writing {name} at the same time. The erasing goes on at the next tick.")


def _add(files: LedgerFiles, name: str, rows: Mapping[str, dict[str, Any]]) -> int:
    for _ in range(_ATTEMPTS):
        found = files.read(name)
        known = read_rows(found[0]) if found else {}
        new = {request_id: row for request_id, row in rows.items() if request_id not in known}
        if not new or files.write(name, _packed(known | new), found[1] if found else None):
            return len(new)
    raise ExportFailed(f"Others kept writing {name} at the same time. The delivery is to be repeated.")


def _packed(rows: Mapping[str, dict[str, Any]]) -> bytes:
    lines = (json.dumps(rows[request_id], separators=(",", ":")) for request_id in sorted(rows))
    return gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0)
