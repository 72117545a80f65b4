"""Vectors held in memory: tests, and agents that run without a cloud."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

from smyth.connectors.vectors.exact import Index, Segment, check_dimensions, tail_to_merge
from smyth.connectors.vectors.port import Hit, VectorItem

_MOST_SEGMENTS = 8


class MemoryVectors:
    """A :class:`~smyth.connectors.vectors.port.VectorStore` that forgets when the process ends."""

    def __init__(self) -> None:
        self._indexes: dict[tuple[str, str], Index] = {}
        self._writing = Lock()

    def upsert(self, tenant_id: str, namespace: str, items: Sequence[VectorItem]) -> int:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.upsert`."""
        if not items:
            return 0
        fresh = Segment.of(items)
        with self._writing:
            segments = self._index(tenant_id, namespace).segments
            if segments:
                check_dimensions(fresh.dimensions, segments[0].dimensions)
            self._keep(tenant_id, namespace, (*segments, fresh))
        return len(fresh.ids)

    def search(
        self, tenant_id: str, namespace: str, vector: Sequence[float], top_k: int, filter: dict[str, Any] | None = None
    ) -> list[Hit]:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.search`."""
        return self._index(tenant_id, namespace).search(vector, top_k, filter)

    def delete(self, tenant_id: str, namespace: str, item_id: str | None = None) -> int:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.delete`."""
        with self._writing:
            index = self._index(tenant_id, namespace)
            rest = [] if item_id is None else [segment.without(item_id) for segment in index.segments]
            left = Index([segment for segment in rest if segment.ids])
            self._indexes[tenant_id, namespace] = left
            return len(index) - len(left)

    def _index(self, tenant_id: str, namespace: str) -> Index:
        return self._indexes.get((tenant_id, namespace)) or Index([])

    def _keep(self, tenant_id: str, namespace: str, segments: tuple[Segment, ...]) -> None:
        count = tail_to_merge([len(segment.ids) for segment in segments], _MOST_SEGMENTS)
        if count:
            segments = (*segments[:-count], Index(segments[-count:]).merged())
        self._indexes[tenant_id, namespace] = Index(segments)
