"""The ledger and the meters in the table.

===============  =============================  ================
item             partition                      sort key
===============  =============================  ================
ledger entry     ``T#<tenant>#L#<yyyy-mm-dd>``  ``<request id>``
meter            ``T#<tenant>#METER#<period>``  ``0``
open entries     ``LEASE#<0..15>`` (index)      lease end
===============  =============================  ================
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import date, datetime

from smyth.aws.idempotency import DynamoClaims
from smyth.aws.table import ConditionFailed, Item, Table, Write, key, put_new, update
from smyth.platform.idempotency import Answer, Claim, Taken
from smyth.platform.metering import Entry, Exhausted, Figures
from smyth.platform.times import rfc3339

#: Open entries are spread over these partitions of the index.
_LEASE_SHARDS = 16
_SWEEP_AT_ONCE = 200

_OPEN = "#status = :reserved"


class DynamoMeter:
    """A :class:`~smyth.platform.metering.MeterStore` in the table."""

    def __init__(self, table: Table, claims: DynamoClaims) -> None:
        self._table = table
        self._claims = claims

    def reserve(self, entry: Entry, granted: int | None, claim: Claim | None, now: datetime) -> Claim | Taken | None:
        """See :meth:`smyth.platform.metering.MeterStore.reserve`: one write call, whatever it writes."""
        writes = [put_new(_entry_item(entry))]
        if claim is not None:
            writes.append(self._claims.take_write(claim, now))
        if granted is not None:
            if granted < 1:
                raise Exhausted
            writes.append(_count(entry, granted))
        try:
            self._do(writes)
        except ConditionFailed as failed:
            refused = writes[failed.index]
            if failed.index == 0:
                return claim  # Only we know the id: an earlier try of ours had come through.
            if claim is None or refused.action == "Update":
                raise Exhausted from None
            return self._claims.read(claim, failed.item)
        return claim

    def end(self, entry: Entry, claim: Claim | None = None, answer: Answer | None = None) -> bool:
        """See :meth:`smyth.platform.metering.MeterStore.end`: one write call, one more to free a claim."""
        writes = [_end(entry)]
        if entry.status == "released" and entry.meter:
            writes.append(update(_meter_key(entry), "ADD #used :back", {"back": -1}))
        if claim is not None and answer is not None:
            writes.append(self._claims.finish_write(claim, answer))
        try:
            self._do(writes)
        except ConditionFailed as failed:
            if failed.index > 0:  # Another request took the claim over: that one is billed, this one is not.
                self.end(entry.released(entry))
                return False
            return failed.item.get("status") == entry.status
        if claim is not None and answer is None:
            self._claims.drop(claim)
        return True

    def note(self, entry: Entry, figures: Figures) -> None:
        """See :meth:`smyth.platform.metering.MeterStore.note`."""
        sets, values = _figures(figures)
        write = update(_entry_key(entry), f"SET {sets}", values | {"reserved": "reserved"}, condition=_OPEN)
        try:
            self._table.write(write)
        except ConditionFailed:
            return

    def used(self, tenant_id: str, meter: str) -> int:
        """See :meth:`smyth.platform.metering.MeterStore.used`."""
        item = self._table.get(f"T#{tenant_id}#METER#{meter}", "0")
        return int(item["used"]) if item else 0

    def overdue(self, now: datetime) -> Iterator[Entry]:
        """See :meth:`smyth.platform.metering.MeterStore.overdue`."""
        for shard in range(_LEASE_SHARDS):
            for found in self._table.query_index("lease", f"LEASE#{shard}", before=rfc3339(now), limit=_SWEEP_AT_ONCE):
                item = self._table.get(found["pk"], found["sk"])
                if item is not None and item["status"] == "reserved":
                    yield _entry(item)

    def entries(self, tenant_id: str, day: date, after: str = "") -> Iterator[Entry]:
        """See :meth:`smyth.platform.metering.MeterStore.entries`."""
        return (_entry(item) for item in self._table.query(f"T#{tenant_id}#L#{day}", after=after))

    def _do(self, writes: list[Write]) -> None:
        """Write one item plainly, several as a transaction, which costs double."""
        if len(writes) == 1:
            self._table.write(writes[0])
        else:
            self._table.transact(writes)


def _count(entry: Entry, granted: int) -> Write:
    """Take one request from the meter."""
    return update(
        _meter_key(entry),
        "SET #used = if_not_exists(#used, :none) + :one",
        {"one": 1, "none": 0, "granted": granted},
        condition="attribute_not_exists(#used) OR #used < :granted",
    )


def _end(entry: Entry) -> Write:
    """Make an open entry final and take it out of the index."""
    sets, values = _figures(entry)
    values |= {"status": entry.status, "price": entry.price, "reserved": "reserved"}
    sets += ", #status = :status, #price = :price"
    return update(_entry_key(entry), f"SET {sets} REMOVE #lease_pk, #lease_sk", values, condition=_OPEN)


def _figures(figures: Figures) -> tuple[str, Item]:
    """Return the assignments and values that write the figures."""
    values = {name: getattr(figures, name) for name in Figures.model_fields}
    return ", ".join(f"#{name} = :{name}" for name in values), values


def _entry_key(entry: Entry) -> Item:
    return key(f"T#{entry.tenant_id}#L#{entry.day}", entry.request_id)


def _meter_key(entry: Entry) -> Item:
    return key(f"T#{entry.tenant_id}#METER#{entry.meter}", "0")


def _entry_item(entry: Entry) -> Item:
    times = {"at": rfc3339(entry.at), "lease_until": rfc3339(entry.lease_until)}
    shard = zlib.crc32(entry.request_id.encode()) % _LEASE_SHARDS
    lease = {"lease_pk": f"LEASE#{shard}", "lease_sk": times["lease_until"]}
    return _entry_key(entry) | entry.model_dump() | times | lease


def _entry(item: Item) -> Entry:
    return Entry.model_validate(item)
