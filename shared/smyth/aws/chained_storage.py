"""What runs of triggers write bears how many runs in a row led to it, so that no chain of triggers is endless."""

from __future__ import annotations

from collections.abc import Mapping

from smyth.aws.bucket import Bucket
from smyth.aws.storage import BucketStorage
from smyth.connectors.storage.port import ObjectInfo
from smyth.platform.object_rules import CHAIN


class ChainedStorage(BucketStorage):
    """A tenant's objects, as a run of a trigger writes them."""

    def __init__(self, bucket: Bucket, tenant_id: str, *, depth: int) -> None:
        super().__init__(bucket, tenant_id)
        self._depth = depth

    def put(
        self,
        key: str,
        content: bytes,
        content_type: str,
        *,
        metadata: Mapping[str, str] | None = None,
        seconds: int | None = None,
    ) -> ObjectInfo:
        """See :meth:`smyth.connectors.storage.port.Storage.put`."""
        told = {**(metadata or {}), CHAIN: str(self._depth)}
        return super().put(key, content, content_type, metadata=told, seconds=seconds)
