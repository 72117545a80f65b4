"""The routes of vectors' namespaces, which share a function with documents."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from smyth.http.answers.page import Page
from smyth.http.answers.vectors import DeletedItems, NamespaceDetails, NamespaceName
from smyth.http.caller import TenantCaller
from smyth.http.paging import Cursor, Limit, page, read_cursor
from smyth.http.services import services
from smyth.platform import vector_namespaces
from smyth.platform.vectors import DeleteItems, Namespace

router = APIRouter()


@router.get("/api/vectordb", response_model=Page[NamespaceName])
def list_namespaces(caller: TenantCaller, limit: Limit = 20, cursor: Cursor = "") -> dict[str, Any]:
    """List the tenant's namespaces."""
    after = read_cursor(cursor, lambda text: 0 < len(text) <= 128)
    names, place = vector_namespaces.page(services().vectors, caller.tenant_id, limit=limit, after=after)
    return page([{"namespace": name} for name in names], place)


@router.get("/api/vectordb/{namespace}")
def show_namespace(caller: TenantCaller, namespace: Namespace) -> NamespaceDetails:
    """Tell what a namespace holds."""
    stats = vector_namespaces.show(services().vectors, caller.tenant_id, namespace)
    return NamespaceDetails(namespace=namespace, items=stats.items, dimensions=stats.dimensions, bytes=stats.size)


@router.delete("/api/vectordb/{namespace}")
def delete_namespace(caller: TenantCaller, namespace: Namespace) -> DeletedItems:
    """Delete a namespace and all that is in it."""
    return DeletedItems(deleted=vector_namespaces.delete(services().vectors, caller.tenant_id, namespace))


@router.delete("/api/vectordb/{namespace}/{item_id}")
def delete_item(caller: TenantCaller, namespace: Namespace, item_id: str) -> DeletedItems:
    """Delete one item."""
    which = DeleteItems(ids=[item_id])
    return DeletedItems(deleted=vector_namespaces.delete_items(services().vectors, caller.tenant_id, namespace, which))


@router.post("/api/vectordb/{namespace}/delete")
def delete_items(caller: TenantCaller, namespace: Namespace, body: DeleteItems) -> DeletedItems:
    """Delete items by id, or by what their metadata says."""
    return DeletedItems(deleted=vector_namespaces.delete_items(services().vectors, caller.tenant_id, namespace, body))
