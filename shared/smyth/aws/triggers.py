"""Triggers and their runs in the table.

===============  ================================  =================
item             partition                         sort key
===============  ================================  =================
trigger          ``T#<tenant>``                    ``TRIGGER#<id>``
whose it is      ``TRIGGER#<id>``                  ``META``
run              ``T#<tenant>#TRIGGER#<trigger>``  ``RUN#<id>``
what it brought  ``T#<tenant>#TRIGGER#<trigger>``  ``PAYLOAD#<id>``
delivery's run   ``T#<tenant>#TRIGGER#<trigger>``  ``ONCE#<sha-256>``
count             ``T#<tenant>``                    ``TRIGGERS``
when to look      ``LEASE#SCHEDULES`` (index)       a time
===============  ================================  =================

What belongs to runs goes after 30 days by TTL.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from smyth.aws.table import ConditionFailed, Item, Table, delete, key, put, put_new, update
from smyth.platform.delivery_records import Run
from smyth.platform.errors import LimitReached
from smyth.platform.schedule_watch import first_look
from smyth.platform.times import rfc3339
from smyth.platform.trigger_records import Trigger

_KEPT = timedelta(days=30)
_WATCHED = "LEASE#SCHEDULES"
_LOOKED_AT_ONCE = 200


class DynamoTriggers:
    """A :class:`~smyth.platform.triggers.TriggerStore` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def create(self, trigger: Trigger, limit: int) -> bool:
        """See :meth:`smyth.platform.triggers.TriggerStore.create`."""
        owner = _owner(trigger.id) | {"tenant_id": trigger.tenant_id}
        counted = update(
            _count(trigger.tenant_id),
            "SET #triggers = if_not_exists(#triggers, :none) + :one",
            {"one": 1, "none": 0, "limit": limit},
            condition="attribute_not_exists(#triggers) OR #triggers < :limit",
        )
        try:
            self._table.transact([put_new(_item(trigger)), put_new(owner), counted])
        except ConditionFailed as failed:
            if failed.index == 2:
                raise LimitReached(
                    f"There are {limit} triggers already. Delete those that are no longer needed."
                ) from None
            return False
        return True

    def get(self, tenant_id: str, trigger_id: str) -> Trigger | None:
        """See :meth:`smyth.platform.triggers.TriggerStore.get`."""
        at = _place(tenant_id, trigger_id)
        item = self._table.get(at["pk"], at["sk"])
        return _trigger(item) if item else None

    def tenant_of(self, trigger_id: str) -> str | None:
        """See :meth:`smyth.platform.triggers.TriggerStore.tenant_of`."""
        at = _owner(trigger_id)
        item = self._table.get(at["pk"], at["sk"])
        return item["tenant_id"] if item else None

    def all(self, tenant_id: str, after: str = "") -> Iterator[Trigger]:
        """See :meth:`smyth.platform.triggers.TriggerStore.all`."""
        behind = f"TRIGGER#{after}" if after else ""
        return map(_trigger, self._table.query(f"T#{tenant_id}", prefix="TRIGGER#", after=behind))

    def replace(self, trigger: Trigger) -> bool:
        """See :meth:`smyth.platform.triggers.TriggerStore.replace`."""
        try:
            self._table.write(put(_item(trigger), condition="#revision = :seen", values={"seen": trigger.version - 1}))
        except ConditionFailed:
            return False
        return True

    def delete(self, trigger: Trigger) -> None:
        """See :meth:`smyth.platform.triggers.TriggerStore.delete`."""
        there = delete(_place(trigger.tenant_id, trigger.id), condition="attribute_exists(#pk)")
        counted = update(_count(trigger.tenant_id), "SET #triggers = if_not_exists(#triggers, :one) - :one", {"one": 1})
        with suppress(ConditionFailed):  # Another call has deleted it, and counted that.
            self._table.transact([there, delete(_owner(trigger.id)), counted])


class DynamoWatch:
    """A :class:`~smyth.platform.schedule_watch.WatchStore` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def due(self, now: datetime) -> Iterator[Trigger]:
        """See :meth:`smyth.platform.schedule_watch.WatchStore.due`."""
        for found in self._table.query_index("lease", _WATCHED, before=rfc3339(now), limit=_LOOKED_AT_ONCE):
            item = self._table.get(found["pk"], found["sk"])
            # The index may be late.
            if item and item.get("lease_sk", "~") < rfc3339(now):
                yield _trigger(item)

    def look_again(self, trigger: Trigger, at: datetime | None) -> None:
        """See :meth:`smyth.platform.schedule_watch.WatchStore.look_again`."""
        values: Item = {"seen": trigger.version}
        expression = "REMOVE #lease_pk, #lease_sk"
        if at:
            values |= {"watched": _WATCHED, "at": rfc3339(at)}
            expression = "SET #lease_pk = :watched, #lease_sk = :at"
        place = _place(trigger.tenant_id, trigger.id)
        try:
            self._table.write(update(place, expression, values, condition="#revision = :seen"))
        except ConditionFailed:
            return  # Whoever changed it has given it a new place in line.


class DynamoRuns:
    """A :class:`~smyth.platform.delivery_records.RunStore` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def begin(self, run: Run, payload: str) -> Run:
        """See :meth:`smyth.platform.delivery_records.RunStore.begin`."""
        once = _of(run, "ONCE", hashlib.sha256(run.delivery_id.encode()).hexdigest())
        found = self._table.get(once["pk"], once["sk"])
        if found is None:
            try:
                expires = {"expires_at": _expires(run)}
                brought = _of(run, "PAYLOAD", run.id) | {"payload": payload} | expires
                marker = once | {"run_id": run.id} | expires
                self._table.transact([put_new(marker), put_new(brought), put_new(_run_item(run))])
                return run
            except ConditionFailed as failed:
                found = failed.item or self._table.get(once["pk"], once["sk"])
        stored = self.get(run.tenant_id, run.trigger_id, found["run_id"]) if found else None
        # Only where TTL has taken one of them already is the run not there: then it was over long ago.
        return stored or run.model_copy(update={"id": "", "state": "done", "until": None})

    def replace(self, run: Run) -> bool:
        """See :meth:`smyth.platform.delivery_records.RunStore.replace`."""
        try:
            self._table.write(put(_run_item(run), condition="#revision = :seen", values={"seen": run.revision - 1}))
        except ConditionFailed:
            return False
        return True

    def get(self, tenant_id: str, trigger_id: str, run_id: str) -> Run | None:
        """See :meth:`smyth.platform.delivery_records.RunStore.get`."""
        item = self._table.get(f"T#{tenant_id}#TRIGGER#{trigger_id}", f"RUN#{run_id}")
        return _run(item) if item else None

    def payload(self, run: Run) -> str:
        """See :meth:`smyth.platform.delivery_records.RunStore.payload`."""
        at = _of(run, "PAYLOAD", run.id)
        item = self._table.get(at["pk"], at["sk"])
        return item["payload"] if item else "null"

    def newest_first(self, tenant_id: str, trigger_id: str, after: str = "") -> Iterator[Run]:
        """See :meth:`smyth.platform.delivery_records.RunStore.newest_first`."""
        found = self._table.query(
            f"T#{tenant_id}#TRIGGER#{trigger_id}",
            prefix="RUN#",
            newest_first=True,
            after=f"RUN#{after}" if after else "",
            page_size=50,
        )
        return map(_run, found)


def _place(tenant_id: str, trigger_id: str) -> Item:
    return key(f"T#{tenant_id}", f"TRIGGER#{trigger_id}")


def _count(tenant_id: str) -> Item:
    return key(f"T#{tenant_id}", "TRIGGERS")


def _owner(trigger_id: str) -> Item:
    return key(f"TRIGGER#{trigger_id}", "META")


def _of(run: Run, kind: str, name: str) -> Item:
    return key(f"T#{run.tenant_id}#TRIGGER#{run.trigger_id}", f"{kind}#{name}")


def _item(trigger: Trigger) -> Item:
    # As text, for patterns have fractions; what nobody is shown stands apart, so that exports leave it out.
    record = trigger.model_dump_json(exclude={"secrets"}, by_alias=True)
    members = {"record": record, "secrets": trigger.secrets, "revision": trigger.version}
    look = first_look(trigger)
    watched = {"lease_pk": _WATCHED, "lease_sk": rfc3339(look)} if look else {}
    return _place(trigger.tenant_id, trigger.id) | members | watched


def _trigger(item: Item) -> Trigger:
    return Trigger.model_validate_json(item["record"]).model_copy(update={"secrets": item["secrets"]})


def _run_item(run: Run) -> Item:
    members = {"record": run.model_dump_json(), "revision": run.revision, "expires_at": _expires(run)}
    return _of(run, "RUN", run.id) | members


def _run(item: Item) -> Run:
    return Run.model_validate_json(item["record"])


def _expires(run: Run) -> int:
    return int((run.begun_at + _KEPT).timestamp())
