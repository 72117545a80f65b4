"""Records of files in the table, and the count of the bytes that they take up.

=============  =================  ===============
item           partition          sort key
=============  =================  ===============
file           ``T#<tenant>``     ``FILE#<key>``
bytes          ``T#<tenant>``     ``STORAGE``
due (index)    ``LEASE#FILES``    when it is due
=============  =================  ===============

A file's content lies at ``t/<tenant>/files/<key>`` in the bucket.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from smyth.aws.table import ConditionFailed, Item, Table, Write, key, put, put_new, update
from smyth.platform.file_records import File
from smyth.platform.times import rfc3339

_DUE = "LEASE#FILES"
_SWEEP_AT_ONCE = 200


def object_key(tenant_id: str, file_key: str) -> str:
    """Return where a file lies in the bucket."""
    return f"t/{tenant_id}/files/{file_key}"


def parse_object_key(found: str) -> tuple[str, str] | None:
    """Return tenant and key of a file's place in the bucket, or None where something else lies."""
    match found.split("/"):
        case ["t", tenant_id, "files", file_key] if tenant_id and file_key:
            return tenant_id, file_key
    return None


class DynamoFiles:
    """A :class:`~smyth.platform.file_records.FileRecords` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, tenant_id: str, file: File, limit: int | None) -> bool:
        """See :meth:`smyth.platform.file_records.FileRecords.add`."""
        charged = file.charged or 0
        if limit is not None and charged > limit:
            return self.get(tenant_id, file.key) is not None
        count = _count(tenant_id, charged, None if limit is None else limit - charged)
        try:
            self._table.transact([put_new(_item(tenant_id, file)), *count])
        except ConditionFailed as failed:
            # At the record itself: an earlier try of the same request had come through.
            return failed.index == 0
        return True

    def get(self, tenant_id: str, key: str) -> File | None:
        """See :meth:`smyth.platform.file_records.FileRecords.get`."""
        place = _place(tenant_id, key)
        item = self._table.get(place["pk"], place["sk"])
        return File.model_validate(item) if item else None

    def oldest_first(self, tenant_id: str, after: str = "") -> Iterator[File]:
        """See :meth:`smyth.platform.file_records.FileRecords.oldest_first`."""
        items = self._table.query(f"T#{tenant_id}", prefix="FILE#", after=f"FILE#{after}" if after else "")
        return (File.model_validate(item) for item in items)

    def replace(self, tenant_id: str, before: File, after: File) -> bool:
        """See :meth:`smyth.platform.file_records.FileRecords.replace`."""
        item = _item(tenant_id, after)
        same: list[str] = []
        values: Item = {}
        for name in ("status", "charged", "sequencer", "upload_id"):
            seen = getattr(before, name)
            same.append(f"attribute_not_exists(#{name})" if seen is None else f"#{name} = :{name}")
            values |= {} if seen is None else {name: seen}
        write = put(item, condition="attribute_exists(#pk) AND " + " AND ".join(same), values=values)
        try:
            self._table.transact([write, *_count(tenant_id, (after.charged or 0) - (before.charged or 0))])
        except ConditionFailed:
            return False
        return True

    def due(self, now: datetime) -> Iterator[tuple[str, File]]:
        """See :meth:`smyth.platform.file_records.FileRecords.due`."""
        for found in self._table.query_index("lease", _DUE, before=rfc3339(now), limit=_SWEEP_AT_ONCE):
            item = self._table.get(found["pk"], found["sk"])
            file = File.model_validate(item) if item else None
            if file is not None and file.due is not None and file.due <= now:
                yield found["pk"].removeprefix("T#"), file

    def used(self, tenant_id: str) -> int:
        """See :meth:`smyth.platform.file_records.FileRecords.used`."""
        item = self._table.get(f"T#{tenant_id}", "STORAGE")
        return item["bytes"] if item else 0


def _count(tenant_id: str, more: int, room: int | None = None) -> list[Write]:
    """Return the write that counts so many bytes more; ``room``: only up to so many before."""
    if more == 0:
        return []
    condition, values = "", {"none": 0, "more": more}
    if room is not None:
        condition = "attribute_not_exists(#bytes) OR #bytes <= :room"
        values["room"] = room
    at = key(f"T#{tenant_id}", "STORAGE")
    return [update(at, "SET #bytes = if_not_exists(#bytes, :none) + :more", values, condition=condition)]


def _item(tenant_id: str, file: File) -> Item:
    item = file.model_dump(mode="json", exclude_none=True) | {"created_at": rfc3339(file.created_at)}
    if file.ends_at is not None:
        item["ends_at"] = rfc3339(file.ends_at)
    if file.forget_at is not None:
        item |= {"forget_at": rfc3339(file.forget_at), "expires_at": int(file.forget_at.timestamp())}
    if file.due is not None and file.status in ("pending", "stored"):
        item |= {"lease_pk": _DUE, "lease_sk": rfc3339(file.due)}
    return item | _place(tenant_id, file.key)


def _place(tenant_id: str, file_key: str) -> Item:
    return key(f"T#{tenant_id}", f"FILE#{file_key}")
