"""Meters that wait to learn what was used before they began to count.

=======  =============================  ==============
item     partition                      sort key
=======  =============================  ==============
seed     ``SEEDS``                      ``<tenant>``
meter    ``T#<tenant>#METER#<month>``   ``0``
=======  =============================  ==============
"""

from __future__ import annotations

from collections.abc import Iterator

from smyth.aws.table import ConditionFailed, Table, Write, delete, key, put, update
from smyth.platform.plan_changes import Seed
from smyth.platform.times import rfc3339

_WAITING = "SEEDS"


class DynamoSeeds:
    """A :class:`~smyth.platform.plan_changes.SeedStore` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def waiting(self) -> Iterator[Seed]:
        """See :meth:`smyth.platform.plan_changes.SeedStore.waiting`."""
        return (Seed.model_validate(item) for item in self._table.query(_WAITING))

    def add(self, seed: Seed, requests: int) -> None:
        """See :meth:`smyth.platform.plan_changes.SeedStore.add`.

        The condition on what was given before makes a repeated call, and two at once, count once.
        """
        meter = key(f"T#{seed.tenant_id}#METER#{seed.meter}", "0")
        while True:
            item = self._table.get(meter["pk"], meter["sk"]) or {}
            given = item.get("seeded")
            if given == requests:
                return
            write = update(
                meter,
                "SET #used = if_not_exists(#used, :none) + :more, #seeded = :requests",
                {"none": 0, "more": requests - (given or 0), "requests": requests}
                | ({} if given is None else {"given": given}),
                condition="attribute_not_exists(#seeded)" if given is None else "#seeded = :given",
            )
            try:
                self._table.write(write)
                return
            except ConditionFailed:
                continue  # Another one told it; see what it said.

    def finish(self, seed: Seed) -> None:
        """See :meth:`smyth.platform.plan_changes.SeedStore.finish`."""
        unchanged = {"until": rfc3339(seed.until)}
        try:
            self._table.write(delete(key(_WAITING, seed.tenant_id), condition="#until = :until", values=unchanged))
        except ConditionFailed:
            return


def seed_write(seed: Seed) -> Write:
    """Return the write that lets a seed wait, for the transaction that changes its tenant."""
    times = {"start": rfc3339(seed.start), "until": rfc3339(seed.until)}
    return put(key(_WAITING, seed.tenant_id) | seed.model_dump() | times)
