"""The audit in the table. Nothing heavy is imported: the authorizer writes refusals.

===============  =======================  ==================
item             partition                sort key
===============  =======================  ==================
end of a chain   ``T#<chain>#A``          ``HEAD``
entry            ``T#<chain>#A#<month>``  ``<seq>``
told refusals    ``T#<chain>#A``          ``TOLD#<minute>#<name>``
===============  =======================  ==================

An entry and the end of its chain are written as a whole; of two writers at once one finds the end moved, and follows.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from itertools import count

from smyth.aws.table import ConditionFailed, Item, Table, Write, key, put, put_new
from smyth.platform.audit import Entry, Event, Head, linked
from smyth.platform.errors import Busy
from smyth.platform.times import rfc3339

_PATIENCE_S = 8.0
#: A refusal is told again after a minute; the clocks of functions and of the table's TTL are not exact.
_TOLD_FOR_S = 600

#: The order of a transaction's writes.
_HEAD, _ENTRY, _TOLD = 0, 1, 2


class DynamoAudit:
    """A :class:`~smyth.platform.audit.AuditStore` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def append(self, event: Event, now: datetime, *, once: str = "") -> Entry | None:
        """See :meth:`smyth.platform.audit.AuditStore.append`."""
        told = _told(event.chain, once, now) if once else None
        if told is not None and self._table.get(told.item["pk"], told.item["sk"]):
            return None
        head = self.head(event.chain)
        deadline = time.monotonic() + _PATIENCE_S
        for attempt in count():
            entry = linked(event, head, now)
            try:
                self._table.transact([_move(entry, head), put_new(_item(entry)), *([told] if told else [])])
            except ConditionFailed as failed:
                if failed.index == _TOLD:
                    return None
                if failed.index == _ENTRY:
                    raise _broken(entry) from None
                if failed.item.get("hash") == entry.hash:
                    return entry  # Our own try, whose answer was lost, had come through.
                if time.monotonic() > deadline:
                    raise _busy() from None
                head = _head(failed.item)
                time.sleep(random.uniform(0, min(0.2, 0.002 * 2 ** min(attempt, 7))))  # noqa: S311 - spreads writers
            else:
                return entry
        raise AssertionError("unreachable")

    def head(self, chain: str) -> Head:
        """See :meth:`smyth.platform.audit.AuditStore.head`."""
        item = self._table.get(*_at_head(chain))
        return _head(item) if item else Head()

    def entries(self, chain: str, *, after: str = "", newest_first: bool = False) -> Iterator[tuple[str, Entry]]:
        """See :meth:`smyth.platform.audit.AuditStore.entries`."""
        head = self.head(chain)
        if not head.seq:
            return
        month, _, seq = after.partition("/")
        for one in _months(head, newest_first=newest_first):
            if month and (one > month if newest_first else one < month):
                continue
            begin = seq if one == month else ""
            for item in self._table.query(f"T#{chain}#A#{one}", newest_first=newest_first, after=begin):
                yield f"{one}/{item['sk']}", _entry(item)


def _move(entry: Entry, head: Head) -> Write:
    """Move the chain's end from ``head`` to the entry."""
    moved = Head(seq=entry.seq, hash=entry.hash, at=entry.at, since=head.since or entry.month)
    item = key(*_at_head(entry.chain)) | asdict(moved)
    if not head.seq:
        return put_new(item)
    return put(item, condition="#hash = :before", values={"before": head.hash})


def _told(chain: str, name: str, now: datetime) -> Write:
    minute = rfc3339(now)[:16]
    return put_new(key(f"T#{chain}#A", f"TOLD#{minute}#{name}") | {"expires_at": int(now.timestamp()) + _TOLD_FOR_S})


def _months(head: Head, *, newest_first: bool) -> list[str]:
    """Return the months that a chain has entries in, and those between."""
    year, month = int(head.since[:4]), int(head.since[5:])
    months = []
    while (text := f"{year:04d}-{month:02d}") <= head.at[:7]:
        months.append(text)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return months[::-1] if newest_first else months


def _at_head(chain: str) -> tuple[str, str]:
    return f"T#{chain}#A", "HEAD"


def _head(item: Item) -> Head:
    return Head(seq=item["seq"], hash=item["hash"], at=item["at"], since=item["since"]) if item else Head()


def _item(entry: Entry) -> Item:
    return key(f"T#{entry.chain}#A#{entry.month}", f"{entry.seq:012d}") | entry.document()


def _entry(item: Item) -> Entry:
    """Return the entry as it lies there, also when somebody took members away: the check is to find that."""
    missing: Item = {"tenant_id": "", "action": "", "seq": 0, "at": "", "previous": ""}
    members = missing | {name: item[name] for name in Entry.__dataclass_fields__ if name in item}
    fields = item.get("fields")
    return Entry(**(members | {"fields": tuple(fields) if isinstance(fields, list) else ()}))


def _busy() -> Busy:
    return Busy("The audit is busy and did not take the entry in time. Try again.", retry_after_s=1)


def _broken(entry: Entry) -> RuntimeError:
    return RuntimeError(
        f"The audit of {entry.chain} has an entry {entry.seq} behind its end. Somebody else wrote it; "
        "run `smyth audit verify`."
    )
