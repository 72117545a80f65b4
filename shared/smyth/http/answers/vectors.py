"""What answers tell of namespaces of vectors."""

from __future__ import annotations

from pydantic import BaseModel


class NamespaceName(BaseModel):
    """A namespace in a list."""

    namespace: str


class NamespaceDetails(NamespaceName):
    """What a namespace holds; ``dimensions`` is null while it is empty, ``bytes`` where that is not known."""

    items: int
    dimensions: int | None
    bytes: int | None


class DeletedItems(BaseModel):
    """How many items went."""

    deleted: int
