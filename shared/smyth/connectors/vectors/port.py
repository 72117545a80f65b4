"""The vector store port."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class VectorItem:
    """One vector with what it stands for; ``metadata`` is a JSON object."""

    id: str
    vector: tuple[float, ...]
    text: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hit:
    """A search result; ``score`` is the cosine similarity, higher is nearer."""

    id: str
    score: float
    text: str | None
    metadata: dict[str, Any]


class DimensionMismatch(ValueError):
    """A vector has another length than the namespace's vectors."""


class NamespaceFull(ValueError):
    """The namespace holds as much as one namespace may."""


class TooManyWriters(RuntimeError):
    """Others kept writing to the namespace at the same moment; nothing was written, so the caller may try again."""


class VectorStore(Protocol):
    """Vectors by tenant and namespace; tenants never see each other's."""

    def upsert(self, tenant_id: str, namespace: str, items: Sequence[VectorItem]) -> int:
        """Write items, replacing those with the same id; return how many were written.

        All of them are seen by the next search, or none. Where an id comes twice, the last one counts.

        Raises:
            DimensionMismatch: A vector does not fit the namespace, or not the other items.
            NamespaceFull: There is no room for the items.
            TooManyWriters: The write did not get through.
        """
        ...

    def replace(self, tenant_id: str, namespace: str, filter: dict[str, Any], items: Sequence[VectorItem]) -> int:
        """Write items in the place of those that ``filter`` finds, as in :meth:`search`; return how many went.

        Every search sees all of the old ones, or all of the new ones. Without items it deletes.

        Raises:
            DimensionMismatch: A vector does not fit the namespace, or not the other items.
            NamespaceFull: There is no room for the items.
            TooManyWriters: The write did not get through.
        """
        ...

    def exists(self, tenant_id: str, namespace: str) -> bool:
        """Tell whether anything was ever written to the namespace."""
        ...

    def search(
        self, tenant_id: str, namespace: str, vector: Sequence[float], top_k: int, filter: dict[str, Any] | None = None
    ) -> list[Hit]:
        """Return the nearest items, best first; an unknown namespace has none.

        ``filter`` keeps items whose metadata equals every given member; a member
        ``{"$in": [...]}`` is met by any of the listed values.

        Raises:
            DimensionMismatch: The vector does not fit the namespace.
        """
        ...

    def delete(self, tenant_id: str, namespace: str, item_id: str | None = None) -> int:
        """Delete one item, or the whole namespace; return how many went.

        Raises:
            TooManyWriters: The write did not get through.
        """
        ...
