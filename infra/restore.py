"""``python -m infra.restore --from TABLE --to TABLE --tenant ID`` brings back what a tenant has lost.

Only items that are missing are written. Meters and the ledger stay as they are, for they tell what was billed; keys
too, for one that is gone may have been revoked.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import boto3

Item = dict[str, Any]

_TENANT = re.compile(r"ten-[0-9a-z]{26}")
#: Partitions and sort keys of what is never brought back.
_LEFT_ALONE = re.compile(r"T#[^#]+#(METER#|L#|I).* .*|.* (KEY#.*|AGENTS)")


@dataclass(slots=True)
class Report:
    """How many of the tenant's items are in which state."""

    there: int = 0
    differing: int = 0
    missing: int = 0


def restore(client: Any, *, source: str, target: str, tenant_id: str, dry_run: bool = False) -> Report:
    """Copy a tenant's items that the target lacks; doing it again changes nothing.

    Args:
        client: Of DynamoDB.
        source: The table that was restored from a backup.
        target: The stack's table.
        tenant_id: Whose items.
        dry_run: Only count.
    """
    report = Report()
    for item in _items(client, source, tenant_id):
        found = client.get_item(TableName=target, Key=_key(item), ConsistentRead=True).get("Item")
        if found is not None:
            report.there += found == item
            report.differing += found != item
            continue
        report.missing += 1
        if not dry_run:
            _put(client, target, item)
    return report


def _items(client: Any, table: str, tenant_id: str) -> Iterator[Item]:
    """The tenant's items that may be brought back and have not expired."""
    pages = client.get_paginator("scan").paginate(
        TableName=table,
        FilterExpression="begins_with(pk, :tenant)",
        ExpressionAttributeValues={":tenant": {"S": f"T#{tenant_id}"}},
    )
    for page in pages:
        for item in page["Items"]:
            left_alone = _LEFT_ALONE.fullmatch(f"{item['pk']['S']} {item['sk']['S']}")
            expired = int(item.get("expires_at", {"N": "9999999999"})["N"]) <= time.time()
            if not left_alone and not expired:
                yield item


def _put(client: Any, table: str, item: Item) -> None:
    """Write an item where there is none; an agent counts again towards its tenant's limit."""
    put = {"Put": {"TableName": table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}
    writes = [put]
    if item["sk"]["S"].startswith("AGENT#"):
        count = {"pk": item["pk"], "sk": {"S": "AGENTS"}}
        add = {"UpdateExpression": "ADD agents :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
        writes.append({"Update": {"TableName": table, "Key": count, **add}})
    try:
        client.transact_write_items(TransactItems=writes)
    except client.exceptions.TransactionCanceledException as error:
        codes = {reason.get("Code") for reason in error.response.get("CancellationReasons", ())}
        if "ConditionalCheckFailed" not in codes:
            raise
        # Somebody has made it meanwhile; theirs is the newer one.


def _key(item: Item) -> Item:
    return {"pk": item["pk"], "sk": item["sk"]}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m infra.restore", description="Bring back a tenant's lost records.")
    parser.add_argument("--from", dest="source", required=True, metavar="TABLE", help="restored from a backup")
    parser.add_argument("--to", dest="target", required=True, metavar="TABLE", help="the stack's")
    parser.add_argument("--tenant", required=True, metavar="ID")
    parser.add_argument("--region")
    parser.add_argument("--dry-run", action="store_true", help="only count")
    said = parser.parse_args(arguments)
    if not _TENANT.fullmatch(said.tenant):
        parser.error(f"'{said.tenant}' is no tenant's id; GET /api/tenants lists them")
    client = boto3.client("dynamodb", region_name=said.region)
    report = restore(client, source=said.source, target=said.target, tenant_id=said.tenant, dry_run=said.dry_run)
    done = "missing" if said.dry_run else "brought back"
    print(f"{report.there} there, {report.differing} differ and are left as they are, {report.missing} {done}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
