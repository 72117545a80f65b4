"""Erasures in the table, and what they erase.

=========  ==============  ==============
item       partition       sort key
=========  ==============  ==============
erasure    ``ERASURES``    ``<tenant>``
=========  ==============  ==============
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain, islice
from typing import Any

from smyth.aws.bucket import Bucket
from smyth.aws.ledger_files import BucketLedgerFiles
from smyth.aws.table import ConditionFailed, Item, Table, delete, key, put
from smyth.aws.tenant_data import tenant_folder, tenant_page
from smyth.aws.tenants import listing_key, tenant_key, tenant_write
from smyth.aws.vault import SecretsVault
from smyth.platform.erasure import Erasure
from smyth.platform.ledger_export import forget_names
from smyth.platform.tenants import Tenant
from smyth.platform.times import rfc3339

_WAITING = "ERASURES"
_OBJECTS_AT_ONCE = 1_000

#: What of a ledger entry stays: amounts, and what they were for. Names and ids of people, keys, agents and models go.
_AMOUNTS = {
    *("pk", "sk", "v", "request_id", "tenant_id", "at", "lease_until", "status", "plan", "meter"),
    *("fee", "overage", "price", "provider_cost", "markup_percent", "reserved"),
    *("input_tokens", "output_tokens", "cached_tokens", "duration_ms"),
}


class DynamoErasures:
    """An :class:`~smyth.platform.erasure.ErasureStore` in table and bucket."""

    def __init__(self, table: Table, bucket: Bucket, vault: SecretsVault) -> None:
        self._table = table
        self._bucket = bucket
        self._vault = vault
        self._files = BucketLedgerFiles(bucket)

    def request(self, tenant: Tenant, erasure: Erasure) -> bool:
        """See :meth:`smyth.platform.erasure.ErasureStore.request`."""
        try:
            self._table.transact([tenant_write(tenant), put(_item(erasure))])
        except ConditionFailed:
            return False
        return True

    def get(self, tenant_id: str) -> Erasure | None:
        """See :meth:`smyth.platform.erasure.ErasureStore.get`."""
        item = self._table.get(_WAITING, tenant_id)
        return Erasure.model_validate(item) if item else None

    def waiting(self) -> Iterator[Erasure]:
        """See :meth:`smyth.platform.erasure.ErasureStore.waiting`."""
        return (Erasure.model_validate(item) for item in self._table.query(_WAITING))

    def save(self, erasure: Erasure) -> None:
        """See :meth:`smyth.platform.erasure.ErasureStore.save`: not once it is finished."""
        try:
            self._table.write(put(_item(erasure), condition="attribute_exists(#pk)"))
        except ConditionFailed:
            return

    def erase_page(self, tenant_id: str, cursor: str) -> tuple[int, str]:
        """See :meth:`smyth.platform.erasure.ErasureStore.erase_page`."""
        items, after = tenant_page(self._table, tenant_id, cursor)
        ledger = [item for item in items if item["pk"].startswith(f"T#{tenant_id}#L#")]
        keys = [key(item["pk"], item["sk"]) for item in items if item not in ledger]
        others = [at for at in keys if at not in _last(tenant_id)]
        # What is still open is ended by the sweep first.
        telling = [item for item in ledger if item["status"] == "reserved" or not _AMOUNTS.issuperset(item)]
        # Files first: an entry that still tells of its names has the next pass look into its file again.
        times = [datetime.fromisoformat(item["at"]) for item in telling if item["status"] != "reserved"]
        forget_names(self._files, tenant_id, times)
        self._table.put_many([_amounts(item) for item in telling if item["status"] != "reserved"])
        self._table.delete_many(others)
        return len(telling) + len(others), after

    def erase_objects(self, tenant_id: str) -> int:
        """See :meth:`smyth.platform.erasure.ErasureStore.erase_objects`."""
        pages = self._bucket.client.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket.name, Prefix=tenant_folder(tenant_id)
        )
        every = chain.from_iterable([*page.get("Versions", []), *page.get("DeleteMarkers", [])] for page in pages)
        found: Any = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in islice(every, _OBJECTS_AT_ONCE)]
        if found:
            self._bucket.client.delete_objects(Bucket=self._bucket.name, Delete={"Objects": found, "Quiet": True})
        return len(found)

    def finish(self, erasure: Erasure) -> None:
        """See :meth:`smyth.platform.erasure.ErasureStore.finish`; without an end while secrets are left."""
        self._vault.erase(erasure.tenant_id)
        self._table.transact([delete(at) for at in _last(erasure.tenant_id)])


def _last(tenant_id: str) -> list[Item]:
    """Return the keys of what goes at the very end."""
    return [tenant_key(tenant_id), listing_key(tenant_id), key(_WAITING, tenant_id)]


def _amounts(entry: Item) -> Item:
    return {name: value for name, value in entry.items() if name in _AMOUNTS}


def _item(erasure: Erasure) -> Item:
    times = {"requested_at": rfc3339(erasure.requested_at), "begins_at": rfc3339(erasure.begins_at)}
    return key(_WAITING, erasure.tenant_id) | erasure.model_dump() | times
