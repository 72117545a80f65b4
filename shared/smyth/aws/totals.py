"""Meters and spendings as they stand in the table; see :mod:`smyth.aws.metering` and :mod:`smyth.aws.budgets`."""

from __future__ import annotations

from smyth.aws.table import Table, key, update


class DynamoTotals:
    """A :class:`~smyth.platform.rebuild.TotalStore` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def used(self, tenant_id: str, meter: str) -> int:
        """See :meth:`smyth.platform.rebuild.TotalStore.used`."""
        item = self._table.get(f"T#{tenant_id}#METER#{meter}", "0") or {}
        return int(item.get("used", 0)) - int(item.get("seeded", 0))

    def spent(self, tenant_id: str, budget: str) -> int:
        """See :meth:`smyth.platform.rebuild.TotalStore.spent`."""
        return sum(int(item["spent"]) for item in self._table.query(f"T#{tenant_id}#BUDGET#{budget}"))

    def correct_meter(self, tenant_id: str, meter: str, by: int) -> None:
        """See :meth:`smyth.platform.rebuild.TotalStore.correct_meter`."""
        self._table.write(update(key(f"T#{tenant_id}#METER#{meter}", "0"), "ADD #used :by", {"by": by}))

    def correct_budget(self, tenant_id: str, budget: str, by: int) -> None:
        """See :meth:`smyth.platform.rebuild.TotalStore.correct_budget`."""
        for item in self._table.query(f"T#{tenant_id}#BUDGET#{budget}"):
            # The first one will do: what is free is summed over all, and may be below nothing on one of them.
            at = key(item["pk"], item["sk"])
            self._table.write(update(at, "ADD #spent :by, #free :less", {"by": by, "less": -by}))
            return
