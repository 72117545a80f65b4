"""The vector store port."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class VectorItem:
    """One vector with what it stands for; ``metadata`` is a JSON object.

    Many vectors at once are better given as arrays of four bytes a member: a tuple takes 32.
    """

    id: str
    vector: Sequence[float]
    text: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hit:
    """A search result; ``score`` is the cosine similarity, higher is nearer."""

    id: str
    score: float
    text: str | None
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stats:
    """What a namespace holds; ``dimensions`` is None while it is empty, ``size`` counts bytes where that is known."""

    items: int
    dimensions: int | None = None
    size: int | None = None


class Unsupported(ValueError):
    """The store cannot do this; the text says which one can."""


class NotReady(RuntimeError):
    """The store is starting up; the caller may try again after ``retry_after_s``."""

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DimensionMismatch(ValueError):
    """A vector has another length than the namespace's vectors."""


class NamespaceFull(ValueError):
    """The namespace holds as much as one namespace may."""


class ItemTooLarge(ValueError):
    """An item has more text or metadata than the store takes."""


class TooManyWriters(RuntimeError):
    """Others kept writing to the namespace at the same moment; nothing was written, so the caller may try again."""


class VectorStore(Protocol):
    """Vectors by tenant and namespace; tenants never see each other's."""

    def upsert(self, tenant_id: str, namespace: str, items: Sequence[VectorItem]) -> int:
        """Write items, replacing those with the same id; return how many were written.

        Where an id comes twice, the last one counts. In memory and in the bucket all of them are seen by the next
        search, or none. OpenSearch and S3 Vectors show a large write part by part while it goes on; one that failed
        is whole once it is done again.

        Raises:
            DimensionMismatch: A vector does not fit the namespace, or not the other items.
            NamespaceFull: There is no room for the items.
            TooManyWriters: The write did not get through.
        """
        ...

    def replace(self, tenant_id: str, namespace: str, filter: dict[str, Any], items: Sequence[VectorItem]) -> int:
        """Write items in the place of those that ``filter`` finds, as in :meth:`search`; return how many went.

        Without items it deletes. In memory and in the bucket every search sees all of the old ones, or all of the
        new ones. OpenSearch and S3 Vectors first write the new ones and then delete the old ones, so a search in
        between may see both, but never neither; a replacement that failed is whole once it is done again.

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
        self,
        tenant_id: str,
        namespace: str,
        vector: Sequence[float],
        top_k: int,
        filter: dict[str, Any] | None = None,
        *,
        text: str | None = None,
    ) -> list[Hit]:
        """Return the nearest items, best first; an unknown namespace has none.

        Args:
            tenant_id: Whose items.
            namespace: Where they lie.
            vector: What they should be near to.
            top_k: How many to return at most.
            filter: What their metadata must say; see :mod:`smyth.connectors.vectors.filters`.
            text: Words that should stand in their texts: the best by vector and the best by words are ranked
                together. A score stays the cosine.

        Raises:
            DimensionMismatch: The vector does not fit the namespace.
            Unsupported: The store does not search by words.
            ValueError: The filter is not known.
        """
        ...

    def delete(self, tenant_id: str, namespace: str) -> int:
        """Delete a namespace, which then exists no more; return how many items went.

        Raises:
            TooManyWriters: The write did not get through.
        """
        ...

    def delete_items(self, tenant_id: str, namespace: str, ids: Collection[str]) -> int:
        """Delete the items with these ids, in one change where the store can; return how many there were.

        Raises:
            TooManyWriters: The write did not get through.
        """
        ...

    def delete_where(self, tenant_id: str, namespace: str, filter: dict[str, Any]) -> int:
        """Delete the items that ``filter`` finds; return how many went.

        Raises:
            ValueError: The filter is not known.
            TooManyWriters: The write did not get through.
        """
        ...

    def namespaces(self, tenant_id: str, *, after: str = "", limit: int | None = None) -> list[str]:
        """Return the names of the tenant's namespaces, in their order.

        Args:
            tenant_id: Whose namespaces.
            after: Only names that come after this one.
            limit: How many to return at most; None: all.
        """
        ...

    def stats(self, tenant_id: str, namespace: str) -> Stats | None:
        """Return what a namespace holds, or None where there is no such namespace."""
        ...
