"""Looking after namespaces of vectors: which there are, what they hold, and taking things out of them."""

from __future__ import annotations

from smyth.connectors.vectors.port import Stats, VectorStore
from smyth.platform.errors import NotFound
from smyth.platform.vectors import DeleteItems, store_at_hand


def page(store: VectorStore, tenant_id: str, *, limit: int, after: str) -> tuple[list[str], str]:
    """Return names of namespaces in their order, and where the next page begins; empty at the end.

    Raises:
        Busy: The store starts up.
    """
    with store_at_hand():
        names = store.namespaces(tenant_id, after=after, limit=limit + 1)
    return names[:limit], names[limit - 1] if len(names) > limit else ""


def show(store: VectorStore, tenant_id: str, namespace: str) -> Stats:
    """Return what a namespace holds.

    Raises:
        NotFound: There is no such namespace.
        Busy: The store starts up.
    """
    with store_at_hand():
        stats = store.stats(tenant_id, namespace)
    if stats is None:
        raise NotFound(_unknown(namespace))
    return stats


def delete(store: VectorStore, tenant_id: str, namespace: str) -> int:
    """Delete a namespace; return how many items went.

    Raises:
        NotFound: There is no such namespace.
        Busy: Too many writers at once, or the store starts up.
    """
    with store_at_hand():
        _check_exists(store, tenant_id, namespace)
        return store.delete(tenant_id, namespace)


def delete_items(store: VectorStore, tenant_id: str, namespace: str, which: DeleteItems) -> int:
    """Delete the items that are named or found; return how many went.

    Raises:
        NotFound: There is no such namespace.
        Busy: Too many writers at once, or the store starts up.
    """
    with store_at_hand():
        _check_exists(store, tenant_id, namespace)
        if which.filter:
            return store.delete_where(tenant_id, namespace, which.filter)
        return store.delete_items(tenant_id, namespace, which.ids)


class AllNamespaces:
    """All vectors of a tenant, in a store that does not lie in the bucket: they go when the tenant is erased."""

    def __init__(self, store: VectorStore) -> None:
        self._store = store

    def remove_all(self, tenant_id: str) -> None:
        """Delete every namespace of the tenant.

        Raises:
            Busy: The store starts up, or others write.
        """
        with store_at_hand():
            for namespace in self._store.namespaces(tenant_id):
                self._store.delete(tenant_id, namespace)


def _check_exists(store: VectorStore, tenant_id: str, namespace: str) -> None:
    if not store.exists(tenant_id, namespace):
        raise NotFound(_unknown(namespace))


def _unknown(namespace: str) -> str:
    return f'There is no namespace "{namespace}". GET /api/vectordb lists those that there are.'
