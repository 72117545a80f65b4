"""Progress of migrations in the table.

============  ===============  ==============
item          partition        sort key
============  ===============  ==============
lease         ``MIGRATIONS``   ``LEASE``
migration     ``MIGRATIONS``   ``DONE#<nnnn>``
============  ===============  ==============
"""

from __future__ import annotations

from datetime import datetime

from smyth.aws.table import ConditionFailed, Table, delete, key, put, update
from smyth.platform.migrations import LeaseLost, Progress
from smyth.platform.times import rfc3339

_PARTITION = "MIGRATIONS"
_LEASE = key(_PARTITION, "LEASE")
_OURS = "#holder = :holder"


class DynamoMigrations:
    """A :class:`~smyth.platform.migrations.MigrationStore` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def take(self, holder: str, now: datetime, until: datetime) -> bool:
        """See :meth:`smyth.platform.migrations.MigrationStore.take`."""
        lease = _LEASE | {"holder": holder, "until": rfc3339(until)}
        free = f"attribute_not_exists(#pk) OR #until < :now OR {_OURS}"
        try:
            self._table.write(put(lease, condition=free, values={"holder": holder, "now": rfc3339(now)}))
        except ConditionFailed:
            return False
        return True

    def free(self, holder: str) -> None:
        """See :meth:`smyth.platform.migrations.MigrationStore.free`."""
        try:
            self._table.write(delete(_LEASE, condition=_OURS, values={"holder": holder}))
        except ConditionFailed:
            return  # Another run has it by now, or an earlier try gave it back.

    def progress(self) -> list[Progress]:
        """See :meth:`smyth.platform.migrations.MigrationStore.progress`."""
        return [Progress.model_validate(item) for item in self._table.query(_PARTITION, prefix="DONE#")]

    def save(self, progress: Progress, holder: str, until: datetime) -> None:
        """See :meth:`smyth.platform.migrations.MigrationStore.save`: one transaction."""
        values = {"holder": holder, "until": rfc3339(until)}
        done = key(_PARTITION, f"DONE#{progress.number:04d}") | progress.model_dump(mode="json")
        try:
            self._table.transact([update(_LEASE, "SET #until = :until", values, condition=_OURS), put(done)])
        except ConditionFailed:
            raise LeaseLost(f"another run has taken over at step {progress.steps} of '{progress.name}'") from None
