"""Vectors held in memory: tests, and agents that run without a cloud."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Sequence
from dataclasses import replace
from math import frexp, ldexp, sqrt
from threading import Lock
from typing import Any

from smyth.connectors.vectors.exact import Index, check_dimensions, no_words, tail_to_merge
from smyth.connectors.vectors.port import Hit, Stats, VectorItem
from smyth.connectors.vectors.segments import Segment

_MOST_SEGMENTS = 8

_Namespace = tuple[str, str]


class MemoryVectors:
    """A :class:`~smyth.connectors.vectors.port.VectorStore` that forgets when the process ends.

    It keeps each vector as it came, so its scores have the full precision of 64 bits.
    """

    def __init__(self) -> None:
        self._indexes: dict[_Namespace, Index] = {}
        self._vectors: dict[_Namespace, dict[str, array[float]]] = {}
        self._writing = Lock()

    def upsert(self, tenant_id: str, namespace: str, items: Sequence[VectorItem]) -> int:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.upsert`."""
        if not items:
            return 0
        with self._writing:
            return self._put((tenant_id, namespace), self._index(tenant_id, namespace).segments, items)

    def replace(self, tenant_id: str, namespace: str, filter: dict[str, Any], items: Sequence[VectorItem]) -> int:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.replace`."""
        with self._writing:
            index = self._index(tenant_id, namespace)
            gone = index.ids_where(filter)
            kept = _without(gone, index)
            if items:
                self._put((tenant_id, namespace), kept, items)
            elif gone:
                self._indexes[tenant_id, namespace] = Index(kept)
            return len(gone)

    def exists(self, tenant_id: str, namespace: str) -> bool:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.exists`."""
        return (tenant_id, namespace) in self._indexes

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
        """See :meth:`smyth.connectors.vectors.port.VectorStore.search`."""
        no_words(text)
        known = self._vectors.get((tenant_id, namespace), {})
        found = self._index(tenant_id, namespace).search(vector, top_k, filter)
        hits = [replace(hit, score=_cosine(vector, known[hit.id])) for hit in found]
        return sorted(hits, key=lambda hit: (-hit.score, hit.id))

    def delete(self, tenant_id: str, namespace: str) -> int:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.delete`."""
        with self._writing:
            index = self._index(tenant_id, namespace)
            self._indexes.pop((tenant_id, namespace), None)
            self._vectors.pop((tenant_id, namespace), None)
            return len(index)

    def delete_items(self, tenant_id: str, namespace: str, ids: Collection[str]) -> int:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.delete_items`."""
        with self._writing:
            index = self._index(tenant_id, namespace)
            if not len(index):
                return 0
            left = self._indexes[tenant_id, namespace] = Index(_without(set(ids), index))
            return len(index) - len(left)

    def delete_where(self, tenant_id: str, namespace: str, filter: dict[str, Any]) -> int:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.delete_where`."""
        return self.replace(tenant_id, namespace, filter, ())

    def namespaces(self, tenant_id: str, *, after: str = "", limit: int | None = None) -> list[str]:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.namespaces`."""
        names = sorted(namespace for owner, namespace in self._indexes if owner == tenant_id and namespace > after)
        return names[:limit]

    def stats(self, tenant_id: str, namespace: str) -> Stats | None:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.stats`."""
        index = self._indexes.get((tenant_id, namespace))
        if index is None:
            return None
        dimensions = index.segments[0].dimensions if index.segments else None
        return Stats(len(index), dimensions, sum(segment.size for segment in index.segments))

    def _index(self, tenant_id: str, namespace: str) -> Index:
        return self._indexes.get((tenant_id, namespace)) or Index([])

    def _put(self, place: _Namespace, segments: Sequence[Segment], items: Sequence[VectorItem]) -> int:
        """Add items to a namespace that otherwise consists of ``segments``."""
        fresh = Segment.of(items)
        if segments:
            check_dimensions(fresh.dimensions, segments[0].dimensions)
        segments = (*segments, fresh)
        count = tail_to_merge([len(segment.ids) for segment in segments], _MOST_SEGMENTS)
        if count:
            segments = (*segments[:-count], Index(segments[-count:]).merged())
        self._vectors.setdefault(place, {}).update((item.id, array("d", item.vector)) for item in items)
        self._indexes[place] = Index(segments)
        return len(fresh.ids)


def _without(ids: set[str], index: Index) -> list[Segment]:
    return [left for segment in index.segments if (left := segment.without(ids)).ids]


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    one, other = _near_one(one), _near_one(other)
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return product / (sqrt(sum(a * a for a in one)) * sqrt(sum(b * b for b in other)))


def _near_one(vector: Sequence[float]) -> Sequence[float]:
    """Scale by a power of two, which changes no digit, so that squares neither overflow nor vanish."""
    exponent = frexp(max(map(abs, vector)))[1]
    return [ldexp(member, -exponent) for member in vector]
