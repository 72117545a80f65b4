"""Roll-ups in the table.

=========  ================  ==============
item       partition         sort key
=========  ================  ==============
roll-up    ``T#<tenant>#U``  ``<yyyy-mm-dd>``
progress   ``ROLLUPS``       ``PROGRESS``
=========  ================  ==============
"""

from __future__ import annotations

import gzip
from datetime import date, timedelta

from pydantic import TypeAdapter

from smyth.aws.table import Item, Table, key, put
from smyth.platform.rollups import Progress, Row

_ROWS = TypeAdapter(list[Row])
_PROGRESS = key("ROLLUPS", "PROGRESS")


class DynamoRollups:
    """A :class:`~smyth.platform.rollups.RollupStore` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, tenant_id: str, day: date, rows: list[Row]) -> None:
        """See :meth:`smyth.platform.rollups.RollupStore.put`."""
        # mtime: the same rows are the same bytes.
        packed = gzip.compress(_ROWS.dump_json(rows, exclude_defaults=True), mtime=0)
        self._table.write(put(_at(tenant_id, day) | {"rows": packed}))

    def between(self, tenant_id: str, first: date, last: date) -> dict[date, list[Row]]:
        """See :meth:`smyth.platform.rollups.RollupStore.between`."""
        found: dict[date, list[Row]] = {}
        for item in self._table.query(f"T#{tenant_id}#U", after=str(first - timedelta(days=1))):
            day = date.fromisoformat(item["sk"])
            if day > last:
                break
            found[day] = _ROWS.validate_json(gzip.decompress(item["rows"]))
        return found

    def progress(self) -> Progress:
        """See :meth:`smyth.platform.rollups.RollupStore.progress`."""
        item = self._table.get(_PROGRESS["pk"], _PROGRESS["sk"])
        return Progress.model_validate_json(gzip.decompress(item["progress"])) if item else Progress()

    def save(self, progress: Progress) -> None:
        """See :meth:`smyth.platform.rollups.RollupStore.save`."""
        packed = gzip.compress(progress.model_dump_json(exclude_defaults=True).encode(), mtime=0)
        self._table.write(put(_PROGRESS | {"progress": packed}))


def _at(tenant_id: str, day: date) -> Item:
    return key(f"T#{tenant_id}#U", str(day))
