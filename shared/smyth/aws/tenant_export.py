"""Exports in the table, their archives at ``t/<tenant>/exports/<export>/<n>.zip``.

========  =============  ==============
item      partition      sort key
========  =============  ==============
export    ``EXPORTS``    ``<tenant>``
========  =============  ==============
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain, islice

from smyth.aws.bucket import Bucket
from smyth.aws.table import Item, Table, key, put
from smyth.aws.tenant_data import tenant_folder, tenant_page
from smyth.platform.tenant_export import ARCHIVE_BYTES, KEPT, Export, Record, public_record
from smyth.platform.times import rfc3339

_LIST = "EXPORTS"
#: Archives of exports, answers that are kept for retried requests, and what is kept of half-done work are no data.
_LEFT_OUT = ("exports/", "answers/", "knowledge-work/")


class DynamoExports:
    """An :class:`~smyth.platform.tenant_export.ExportStore` in table and bucket."""

    def __init__(self, table: Table, bucket: Bucket) -> None:
        self._table = table
        self._bucket = bucket

    def get(self, tenant_id: str) -> Export | None:
        """See :meth:`smyth.platform.tenant_export.ExportStore.get`."""
        item = self._table.get(_LIST, tenant_id)
        return Export.model_validate(item) if item else None

    def save(self, export: Export, kept_until: datetime) -> None:
        """See :meth:`smyth.platform.tenant_export.ExportStore.save`."""
        finished = rfc3339(export.finished_at) if export.finished_at else None
        times = {"requested_at": rfc3339(export.requested_at), "finished_at": finished}
        item = key(_LIST, export.tenant_id) | export.model_dump() | times
        self._table.write(put(item | {"expires_at": int(kept_until.timestamp())}))

    def waiting(self) -> Iterator[Export]:
        """See :meth:`smyth.platform.tenant_export.ExportStore.waiting`."""
        exports = (Export.model_validate(item) for item in self._table.query(_LIST))
        return (export for export in exports if export.finished_at is None)

    def records(self, tenant_id: str, cursor: str) -> tuple[list[Record], str]:
        """See :meth:`smyth.platform.tenant_export.ExportStore.records`."""
        items, after = tenant_page(self._table, tenant_id, cursor)
        told = (public_record(item, tenant_id) for item in items if _is_own(item, tenant_id))
        return [record for record in told if record is not None], after

    def objects(self, tenant_id: str, after: str, limit: int) -> list[str]:
        """See :meth:`smyth.platform.tenant_export.ExportStore.objects`."""
        return list(islice((name for name, size in self._listed(tenant_id, after) if size <= ARCHIVE_BYTES), limit))

    def large_objects(self, tenant_id: str) -> list[str]:
        """See :meth:`smyth.platform.tenant_export.ExportStore.large_objects`."""
        return [name for name, size in self._listed(tenant_id) if size > ARCHIVE_BYTES]

    def _listed(self, tenant_id: str, after: str = "") -> Iterator[tuple[str, int]]:
        """Yield the names and sizes of the objects behind a name."""
        folder = tenant_folder(tenant_id)
        pages = self._bucket.client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket.name, Prefix=folder, StartAfter=folder + after
        )
        for entry in chain.from_iterable(page.get("Contents", []) for page in pages):
            name = entry["Key"].removeprefix(folder)
            if not name.startswith(_LEFT_OUT):
                yield name, entry["Size"]

    def read(self, tenant_id: str, name: str) -> bytes | None:
        """See :meth:`smyth.platform.tenant_export.ExportStore.read`."""
        return self._bucket.get(tenant_folder(tenant_id) + name)

    def write(self, export: Export, number: int, archive: bytes) -> None:
        """See :meth:`smyth.platform.tenant_export.ExportStore.write`."""
        tags = {"expires-days": str(KEPT.days)}
        self._bucket.put(_archive(export, number), archive, "application/zip", tags=tags)

    def link(self, export: Export, number: int, seconds: int) -> str:
        """See :meth:`smyth.platform.tenant_export.ExportStore.link`."""
        name = f"{export.tenant_id}-{number}.zip"
        return self._bucket.download_url(_archive(export, number), name, seconds=seconds)

    def object_link(self, tenant_id: str, name: str, seconds: int) -> str:
        """See :meth:`smyth.platform.tenant_export.ExportStore.object_link`."""
        return self._bucket.download_url(tenant_folder(tenant_id) + name, name.rpartition("/")[2], seconds=seconds)


def _is_own(item: Item, tenant_id: str) -> bool:
    """Tell whether an item is the tenant's, and no list of the operator's or answer that was kept for them."""
    return item["pk"].startswith(f"T#{tenant_id}") or (item.get("tenant_id") == tenant_id and item["pk"] != _LIST)


def _archive(export: Export, number: int) -> str:
    return f"{tenant_folder(export.tenant_id)}exports/{export.id}/{number}.zip"
