"""Vectors in OpenSearch: an index for each namespace of a tenant, on Amazon OpenSearch Serverless or on a domain.

A write makes new documents, waits until searches see them, and then deletes the older ones. Between the two a search
may find both, and shows the newer one of an item. A write that was cut off is whole once it is done again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from smyth.aws.opensearch_client import Patience, Service
from smyth.aws.opensearch_documents import Documents, Found
from smyth.aws.opensearch_items import SHOWN, Query, all_of, cosine, hit, index_body, query_of
from smyth.connectors.vectors.exact import check_dimensions
from smyth.connectors.vectors.filters import parse
from smyth.connectors.vectors.port import Hit, Stats, TooManyWriters, VectorItem
from smyth.connectors.vectors.segments import latest, unit

if TYPE_CHECKING:
    from opensearchpy import OpenSearch
    from opensearchpy.client.indices import IndicesClient

#: A search reads so many more than are asked for, so that older documents of the same items and ties cost none.
_SPARE = 50
#: How much rank counts against rank where words and vectors are ranked together (reciprocal rank fusion).
_RANK = 60


class OpenSearchVectors:
    """A :class:`~smyth.connectors.vectors.port.VectorStore` in OpenSearch."""

    def __init__(
        self,
        endpoint: str,
        *,
        service: Service = "aoss",
        wait_s: float = 0.0,
        client: OpenSearch | None = None,
        patience: Patience | None = None,
        stamps: Callable[[], int] = time.time_ns,
    ) -> None:
        """Make a store.

        Args:
            endpoint: The address of the collection or domain.
            service: ``aoss`` is Serverless, ``es`` is a domain.
            wait_s: How long a call waits for a collection that wakes.
            client: What calls it, where it is another than that of the environment.
            patience: How calls are repeated, where it is not as ``wait_s`` says.
            stamps: Gives each write a number above that of all older ones.
        """
        self._documents = Documents(
            endpoint, service=service, wait_s=wait_s, client=client, patience=patience, stamps=stamps
        )

    def upsert(self, tenant_id: str, namespace: str, items: Sequence[VectorItem]) -> int:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.upsert`."""
        if not items:
            return 0
        index, last = _index_name(tenant_id, namespace), latest(items)
        self._write(index, tenant_id, namespace, last)
        self._documents.remove_older(index, last)
        return len(last)

    def replace(self, tenant_id: str, namespace: str, filter: dict[str, Any], items: Sequence[VectorItem]) -> int:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.replace`."""
        old = query_of(parse(filter))
        index = _index_name(tenant_id, namespace)
        if not items:
            return self._documents.remove(index, old)
        last = latest(items)
        stamp = self._write(index, tenant_id, namespace, last)
        gone = self._documents.remove(index, all_of(old, {"range": {"stamp": {"lt": stamp}}}))
        self._documents.remove_older(index, last)
        return gone

    def exists(self, tenant_id: str, namespace: str) -> bool:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.exists`."""
        return self._dimensions(_index_name(tenant_id, namespace)) is not None

    def search(
        self,
        tenant_id: str,
        namespace: str,
        vector: Sequence[float],
        top_k: int,
        filter: dict[str, Any] | None = None,
        *,
        text: str | None = None,
    ) -> list[Hit]:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.search`.

        Vectors and words are asked for apart, and ranked together here: a pipeline that does it would be one more thing
        that the collection must have.
        """
        where = query_of(parse(filter))
        query: list[float] = unit([vector])[0].tolist()
        index = _index_name(tenant_id, namespace)
        dimensions = self._dimensions(index)
        if dimensions is None:
            return []
        check_dimensions(len(query), dimensions)
        near = self._near(index, query, top_k, where)
        if text is None:
            return near[:top_k]
        return _fused(near, self._worded(index, query, top_k, where, text))[:top_k]

    def delete(self, tenant_id: str, namespace: str) -> int:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.delete`."""
        index = _index_name(tenant_id, namespace)
        items = self._documents.count(index, {"match_all": {}})
        self._documents.call(self._indices.delete, index=index, ignore=404)
        return items

    def delete_items(self, tenant_id: str, namespace: str, ids: Collection[str]) -> int:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.delete_items`."""
        return self._documents.remove(_index_name(tenant_id, namespace), {"terms": {"item": list(ids)}})

    def delete_where(self, tenant_id: str, namespace: str, filter: dict[str, Any]) -> int:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.delete_where`."""
        return self.replace(tenant_id, namespace, filter, ())

    def namespaces(self, tenant_id: str, *, after: str = "", limit: int | None = None) -> list[str]:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.namespaces`; one request asks for all of them."""
        kept = [mapping.get("_meta", {}) for mapping in self._mappings(f"smyth-{tenant_id}-*")]
        names = sorted(meta["namespace"] for meta in kept if meta.get("tenant") == tenant_id)
        return [name for name in names if name > after][:limit]

    def stats(self, tenant_id: str, namespace: str) -> Stats | None:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.stats`; Serverless does not tell bytes."""
        index = _index_name(tenant_id, namespace)
        dimensions = self._dimensions(index)
        return None if dimensions is None else Stats(self._documents.count(index, {"match_all": {}}), dimensions)

    @property
    def _indices(self) -> IndicesClient:
        return self._documents.client.indices

    def _mappings(self, index: str) -> list[dict[str, Any]]:
        found = self._documents.call(self._indices.get_mapping, index=index, ignore=404)
        return [one["mappings"] for one in found.values() if isinstance(one, dict) and "mappings" in one]

    def _dimensions(self, index: str) -> int | None:
        """Return how long the vectors of an index are; None where there is no such index that we made."""
        for mapping in self._mappings(index):
            if "_meta" in mapping:
                return int(mapping["properties"]["vector"]["dimension"])
        return None

    def _prepare(self, index: str, tenant_id: str, namespace: str, dimensions: int) -> None:
        """Make the index where it is not there; else see that it takes vectors of this length."""
        from opensearchpy.exceptions import RequestError

        known = self._dimensions(index)
        if known is None:
            body = index_body(tenant_id, namespace, dimensions)
            try:
                self._documents.call(self._indices.create, index=index, body=body)
                return
            except RequestError as error:
                if error.error != "resource_already_exists_exception":
                    raise
            known = self._dimensions(index)  # Another writer was quicker.
        if known is None:
            if self._mappings(index):
                # A write that came after the namespace was deleted made an index without our mapping.
                self._documents.call(self._indices.delete, index=index, ignore=404)
            # Else the other's index is not shown yet.
            raise TooManyWriters("Others begin or delete the namespace at the same time. Try again.")
        check_dimensions(dimensions, known)

    def _write(self, index: str, tenant_id: str, namespace: str, items: Sequence[VectorItem]) -> int:
        """Write items into an index that is made where it is not there; return their stamp."""
        vectors: list[list[float]] = unit([item.vector for item in items]).tolist()
        self._prepare(index, tenant_id, namespace, len(vectors[0]))
        return self._documents.write(index, items, vectors)

    def _near(self, index: str, vector: list[float], top_k: int, where: Query) -> list[Hit]:
        many = top_k + _SPARE
        near = {"knn": {"vector": {"vector": vector, "k": many, "filter": where}}}
        found = self._documents.hits(index, {"query": near, "size": many, "_source": list(SHOWN)})
        hits = [hit(one, cosine(one["_score"])) for one in _newest(found)]
        return sorted(hits, key=lambda one: (-one.score, one.id))

    def _worded(self, index: str, vector: list[float], top_k: int, where: Query, text: str) -> list[Hit]:
        """Return items with these words, best first by BM25."""
        words = {"bool": {"must": [{"match": {"text": {"query": text}}}], "filter": [where]}}
        found = self._documents.hits(index, {"query": words, "size": top_k + _SPARE, "_source": [*SHOWN, "vector"]})
        return [hit(one, _product(vector, one["_source"]["vector"])) for one in _newest(found)]


def _index_name(tenant_id: str, namespace: str) -> str:
    """Names of namespaces may be longer than OpenSearch allows, and have capitals; the mapping tells the name."""
    return f"smyth-{tenant_id}-{sha256(namespace.encode()).hexdigest()[:40]}"


def _newest(found: Sequence[Found]) -> list[Found]:
    """Leave out documents of which there is a newer one of the same item."""
    stamps: dict[str, int] = {}
    for one in found:
        source = one["_source"]
        stamps[source["item"]] = max(source["stamp"], stamps.get(source["item"], 0))
    return [one for one in found if one["_source"]["stamp"] == stamps[one["_source"]["item"]]]


def _fused(near: Sequence[Hit], worded: Sequence[Hit]) -> list[Hit]:
    """Rank two lists together: an item counts by its places in them, whatever their scores mean."""
    ranks: dict[str, float] = {}
    for ranked in (near, worded):
        for place, one in enumerate(ranked, start=1):
            ranks[one.id] = ranks.get(one.id, 0.0) + 1 / (_RANK + place)
    hits = {one.id: one for one in [*worded, *near]}
    return sorted(hits.values(), key=lambda one: (-ranks[one.id], one.id))


def _product(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
