"""The ledger, the meters and the limits a minute in the table.

================  =============================  ================
item              partition                      sort key
================  =============================  ================
ledger entry      ``T#<tenant>#L#<yyyy-mm-dd>``  ``<request id>``
meter             ``T#<tenant>#METER#<period>``  ``0``
limit a minute    ``T#<tenant>#RATE#<what>``     ``<minute>``
open entries      ``LEASE#<0..15>`` (index)      lease end
================  =============================  ================

Admission is one write call and settlement another, whatever they write.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from datetime import date, datetime

from smyth.aws.budgets import DynamoBudgets
from smyth.aws.idempotency import DynamoClaims
from smyth.aws.table import ConditionFailed, Item, Table, Write, key, put_new, update
from smyth.platform.entries import Entry, Figures
from smyth.platform.errors import Busy
from smyth.platform.idempotency import Answer, Claim, Taken
from smyth.platform.metering import PREPAID
from smyth.platform.meters import Exhausted, Meter, Rate, Terms, TooFast
from smyth.platform.times import rfc3339

#: Open entries are spread over these partitions of the index.
_LEASE_SHARDS = 16
_SWEEP_AT_ONCE = 200
#: How long an admission goes on trying while others take what it has just seen free.
_PATIENCE_S = 8.0
#: How long a minute's count stays after the minute.
_KEEP_RATES_S = 120

_OPEN = "#status = :reserved"


class DynamoMeter:
    """A :class:`~smyth.platform.meters.MeterStore` in the table."""

    def __init__(self, table: Table, claims: DynamoClaims) -> None:
        self._table = table
        self._claims = claims
        self.budgets = DynamoBudgets(table)

    def reserve(self, entry: Entry, terms: Terms, claim: Claim | None, now: datetime) -> Entry | Taken:
        """See :meth:`smyth.platform.meters.MeterStore.reserve`.

        One write call. Another one only where another request was quicker to begin the overage, or to bring together
        what is left of a budget on several items or to tell them its new limit.
        """
        if terms.granted == 0 and terms.overage_fee is None:
            raise Exhausted
        over = terms.overage_fee is not None and self._is_full(entry, terms)
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            admitted = entry
            if over and terms.overage_fee is not None:
                admitted = entry.model_copy(update={"overage": True, "fee": terms.overage_fee})
            money: list[Write] = []
            if terms.hold is not None:
                admitted, money = self.budgets.hold(admitted, terms.hold)
            rates = [_tick(entry, rate) for rate in terms.rates]
            claims = [self._claims.take_write(claim, now)] if claim is not None else []
            meters = [_count(admitted, terms)] if entry.meter else []
            # In this order: what comes first is told first when several are in the way.
            writes = [put_new(_entry_item(admitted)), *claims, *rates, *meters, *money]
            try:
                self._do(writes)
                return admitted
            except ConditionFailed as failed:
                in_the_way = writes[failed.index]
                if failed.index == 0:
                    return _entry(failed.item)  # Only we know the id: an earlier try of ours had come through.
                if claim is not None and in_the_way in claims:
                    taken = self._claims.read(claim, failed.item)
                    return taken if isinstance(taken, Taken) else admitted
                if in_the_way in rates:
                    raise TooFast(terms.rates[rates.index(in_the_way)]) from None
                if in_the_way in meters:
                    if terms.overage_fee is None:
                        raise Exhausted from None
                    over = not over
                elif in_the_way in money and terms.hold is not None:
                    self.budgets.refuse_what_is_gone(admitted, terms.hold, in_the_way, failed.item)
        raise Busy("Too many requests come at the same time. Nothing was billed; try again.", retry_after_s=1)

    def end(self, entry: Entry, claim: Claim | None = None, answer: Answer | None = None) -> bool:
        """See :meth:`smyth.platform.meters.MeterStore.end`: one write call, one more to free a claim."""
        writes = [_end(entry), *self.budgets.settle(entry)]
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
        """See :meth:`smyth.platform.meters.MeterStore.note`."""
        sets, values = _figures(figures)
        write = update(_entry_key(entry), f"SET {sets}", values | {"reserved": "reserved"}, condition=_OPEN)
        try:
            self._table.write(write)
        except ConditionFailed:
            return

    def meter(self, tenant_id: str, meter: str) -> Meter:
        """See :meth:`smyth.platform.meters.MeterStore.meter`."""
        item = self._table.get(_meter_partition(tenant_id, meter), "0") or {}
        return Meter(used=item.get("used", 0), granted=item.get("granted", 0))

    def overdue(self, now: datetime) -> Iterator[Entry]:
        """See :meth:`smyth.platform.meters.MeterStore.overdue`."""
        for shard in range(_LEASE_SHARDS):
            for found in self._table.query_index("lease", f"LEASE#{shard}", before=rfc3339(now), limit=_SWEEP_AT_ONCE):
                item = self._table.get(found["pk"], found["sk"])
                if item is not None and item["status"] == "reserved":
                    yield _entry(item)

    def entries(self, tenant_id: str, day: date, after: str = "") -> Iterator[Entry]:
        """See :meth:`smyth.platform.meters.MeterStore.entries`."""
        return (_entry(item) for item in self._table.query(f"T#{tenant_id}#L#{day}", after=after))

    def _is_full(self, entry: Entry, terms: Terms) -> bool:
        """Tell whether the month's grant is used up as it looks now; the write itself makes sure."""
        return terms.granted is not None and self.meter(entry.tenant_id, entry.meter).used >= terms.granted

    def _do(self, writes: list[Write]) -> None:
        """Write one item plainly, several as a transaction, which costs double."""
        if len(writes) == 1:
            self._table.write(writes[0])
        else:
            self._table.transact(writes)


def grant_write(tenant_id: str, requests: int) -> Write:
    """Return the write that adds paid requests to a tenant's prepaid meter, for use in the payment's transaction."""
    at = key(_meter_partition(tenant_id, PREPAID), "0")
    return update(at, "SET #used = if_not_exists(#used, :none) ADD #granted :more", {"none": 0, "more": requests})


def take_back_write(tenant_id: str, requests: int, meter: Meter) -> Write:
    """Return the write that takes paid requests back from a prepaid meter, for use in the refund's transaction.

    Args:
        tenant_id: Whose meter it is.
        requests: How many.
        meter: The meter as it was read; the write fails where its grant is another by now, or where fewer than
            ``requests`` are left.
    """
    return update(
        key(_meter_partition(tenant_id, PREPAID), "0"),
        "SET #granted = :rest",
        {"rest": meter.granted - requests, "seen": meter.granted},
        condition="#granted = :seen AND #used <= :rest",
    )


def _count(entry: Entry, terms: Terms) -> Write:
    """Take one request from the meter."""
    if entry.meter == PREPAID:
        return update(_meter_key(entry), "SET #used = #used + :one", {"one": 1}, condition="#used < #granted")
    values = {"one": 1, "none": 0, "granted": terms.granted}
    condition = "#used >= :granted" if entry.overage else "attribute_not_exists(#used) OR #used < :granted"
    if terms.granted == 0:  # Such a meter is full before it is there; who gets here pays for every request.
        del values["granted"]
        condition = ""
    return update(_meter_key(entry), "SET #used = if_not_exists(#used, :none) + :one", values, condition=condition)


def _tick(entry: Entry, rate: Rate) -> Write:
    """Count a request in its minute."""
    minute = entry.at.replace(second=0, microsecond=0)
    return update(
        key(f"T#{entry.tenant_id}#RATE#{rate.what}", rfc3339(minute)),
        "SET #count = if_not_exists(#count, :none) + :one, #expires_at = :expires_at",
        {"none": 0, "one": 1, "most": rate.most, "expires_at": int(minute.timestamp()) + _KEEP_RATES_S},
        condition="attribute_not_exists(#count) OR #count < :most",
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
    return key(_meter_partition(entry.tenant_id, entry.meter), "0")


def _meter_partition(tenant_id: str, meter: str) -> str:
    return f"T#{tenant_id}#METER#{meter}"


def _entry_item(entry: Entry) -> Item:
    times = {"at": rfc3339(entry.at), "lease_until": rfc3339(entry.lease_until)}
    shard = zlib.crc32(entry.request_id.encode()) % _LEASE_SHARDS
    lease = {"lease_pk": f"LEASE#{shard}", "lease_sk": times["lease_until"]}
    return _entry_key(entry) | entry.model_dump() | times | lease


def _entry(item: Item) -> Entry:
    return Entry.model_validate(item)
