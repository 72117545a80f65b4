"""All that is stored of one tenant, wherever it lies: for exports and for erasure, never for a request of a tenant.

Most lies in partitions that begin with ``T#<tenant>``. What does not (keys by the hash of their secrets, members,
links to files, lists of tenants) tells the tenant in an attribute. So the whole table is read, page by page, and
filtered there.
"""

from __future__ import annotations

import json
from typing import Any

from smyth.aws.table import Item, Table

#: Answers that were kept for the operator's retried requests; some of them tell of tenants.
_OPERATORS_ANSWERS = "T#operator#I"


def tenant_page(table: Table, tenant_id: str, cursor: str) -> tuple[list[Item], str]:
    """Return the tenant's items of one page of the table, and where the next page begins, empty at the end."""
    items, after = table.scan(
        "begins_with(#pk, :partition) OR #tenant_id = :tenant OR #sk IN (:tenant, :partition) "
        "OR begins_with(#object_key, :folder) OR #pk = :answers",
        {
            "partition": f"T#{tenant_id}",
            "tenant": tenant_id,
            "folder": tenant_folder(tenant_id),
            "answers": _OPERATORS_ANSWERS,
        },
        after=json.loads(cursor) if cursor else None,
    )
    return [item for item in items if _tells_of(item, tenant_id)], json.dumps(after) if after else ""


def tenant_folder(tenant_id: str) -> str:
    """Return where in the bucket the tenant's objects lie."""
    return f"t/{tenant_id}/"


def _tells_of(item: Item, tenant_id: str) -> bool:
    return item["pk"] != _OPERATORS_ANSWERS or tenant_id.encode() in _bytes(item.get("body", b""))


def _bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else str(body).encode()
