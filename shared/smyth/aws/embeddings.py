"""What is kept of embedded texts.

=====================  ===========================================  =====================================
what                   where                                        key
=====================  ===========================================  =====================================
vectors of texts       bucket, ``t/<tenant>/embeddings/``           hash of the model and the texts
model of a namespace   table, ``T#<tenant>#EMBEDDINGS``             ``NS#<namespace>``
=====================  ===========================================  =====================================

Vectors are dropped by the bucket's lifecycle a month after they were made, which bounds what is kept.
"""

from __future__ import annotations

import logging

from botocore.exceptions import BotoCoreError, ClientError

from smyth.aws.bucket import Bucket
from smyth.aws.table import Table, key, put

logger = logging.getLogger(__name__)

_EXPIRES = {"expires-days": "30"}


class BucketGroups:
    """:class:`~smyth.connectors.embeddings.cached.KeptGroups` in the bucket; a failure costs what embedding costs."""

    def __init__(self, bucket: Bucket, tenant_id: str) -> None:
        self._bucket = bucket
        self._folder = f"t/{tenant_id}/embeddings/"

    def get(self, name: str) -> bytes | None:
        """See :meth:`smyth.connectors.embeddings.cached.KeptGroups.get`."""
        try:
            return self._bucket.get(self._folder + name)
        except (ClientError, BotoCoreError):
            logger.warning("Kept vectors could not be read.", exc_info=True)
            return None

    def put(self, name: str, content: bytes) -> None:
        """See :meth:`smyth.connectors.embeddings.cached.KeptGroups.put`."""
        try:
            self._bucket.put(self._folder + name, content, "application/octet-stream", tags=_EXPIRES)
        except (ClientError, BotoCoreError):
            logger.warning("Vectors could not be kept.", exc_info=True)


class TableNamespaceModels:
    """:class:`~smyth.connectors.embeddings.namespaces.NamespaceModels` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, tenant_id: str, namespace: str) -> str | None:
        """See :meth:`smyth.connectors.embeddings.namespaces.NamespaceModels.get`."""
        at = _namespace(tenant_id, namespace)
        item = self._table.get(at["pk"], at["sk"])
        return str(item["model"]) if item else None

    def put(self, tenant_id: str, namespace: str, model: str) -> None:
        """See :meth:`smyth.connectors.embeddings.namespaces.NamespaceModels.put`."""
        self._table.write(put(_namespace(tenant_id, namespace) | {"model": model}))


def _namespace(tenant_id: str, namespace: str) -> dict[str, str]:
    return key(f"T#{tenant_id}#EMBEDDINGS", f"NS#{namespace}")
