"""The saved state of the emulated cloud: one SQLite file, each save one transaction.

A save happens whole or not at all, whenever the process is killed; the next start finds the last whole one.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS service (name TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS item (
  home TEXT NOT NULL, pk TEXT NOT NULL, sk TEXT NOT NULL, item TEXT NOT NULL, PRIMARY KEY (home, pk, sk)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class ItemChange:
    """An item of a table as it is now; ``item`` is None when it was deleted."""

    home: str
    """Account, region and name of the table."""
    pk: str
    sk: str
    item: dict[str, Any] | None


class StateFile:
    """Reads and writes the saved state."""

    def __init__(self, path: Path) -> None:
        # Saves run on a thread of their own, one at a time.
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(_SCHEMA)

    def services(self) -> dict[str, str]:
        """The saved state of each service, as text."""
        return dict(self._db.execute("SELECT name, state FROM service"))

    def items(self) -> Iterator[ItemChange]:
        """Every saved item of every table."""
        for home, pk, sk, item in self._db.execute("SELECT home, pk, sk, item FROM item"):
            yield ItemChange(home, pk, sk, json.loads(item))

    def save(
        self, *, services: dict[str, str], changes: Iterable[ItemChange] = (), dropped_tables: Iterable[str] = ()
    ) -> None:
        """Save what changed, in one transaction.

        Args:
            services: New state of the services that changed.
            changes: Items that were put or deleted.
            dropped_tables: Homes of tables whose saved items go before ``changes`` come.
        """
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany("REPLACE INTO service VALUES (?, ?)", services.items())
            self._db.executemany("DELETE FROM item WHERE home = ?", [(home,) for home in dropped_tables])
            for change in changes:
                self._save_item(change)
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def _save_item(self, change: ItemChange) -> None:
        if change.item is None:
            key = (change.home, change.pk, change.sk)
            self._db.execute("DELETE FROM item WHERE home = ? AND pk = ? AND sk = ?", key)
        else:
            row = (change.home, change.pk, change.sk, json.dumps(change.item, separators=(",", ":")))
            self._db.execute("REPLACE INTO item VALUES (?, ?, ?, ?)", row)

    def close(self) -> None:
        """Fold the write-ahead log into the file and close it."""
        self._db.close()
