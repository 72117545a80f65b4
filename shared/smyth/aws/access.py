"""What the authorizer reads: the key by the hash of its secret, and the key's tenant. Nothing heavy is imported."""

from __future__ import annotations

from datetime import datetime

from smyth.aws.table import ConditionFailed, Table, key, update
from smyth.platform.access import Caller
from smyth.platform.times import rfc3339


class DynamoAccess:
    """Finds callers by their keys."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, sha256: str, now: datetime) -> Caller | None:
        """Return who has the key; None when it is unknown, revoked or expired."""
        found = self._table.get(f"KEY#{sha256}", "META")
        if found is None or ("valid_until" in found and found["valid_until"] <= rfc3339(now)):
            return None
        tenant = self._table.get(f"T#{found['tenant_id']}", "META")
        if tenant is None:
            return None
        if found["last_used_day"] != str(now.date()):
            self._mark_used(sha256, str(now.date()))
        return Caller(
            tenant_id=tenant["id"],
            role=found["role"],
            key_id=found["id"],
            plan=tenant["plan"],
            limits=tuple(tenant["limits"].items()),
            status=tenant["status"],
            agents=tuple(found["agents"]),
            routes=tuple(found["routes"]),
            usage_identifier=tenant["usage_identifier"],
            time_zone=tenant.get("time_zone", "UTC"),
            requests_per_minute=tenant.get("requests_per_minute"),
            key_requests_per_minute=found.get("requests_per_minute"),
            budgeted=tenant.get("budgeted", False),
            acting_for=found.get("acting_for", ""),
        )

    def _mark_used(self, sha256: str, day: str) -> None:
        """Write the day of the last use; the first request of a day does."""
        write = update(
            key(f"KEY#{sha256}", "META"), "SET #last_used_day = :day", {"day": day}, condition="attribute_exists(#pk)"
        )
        try:
            self._table.write(write)
        except ConditionFailed:
            return  # Revoked in this moment; this request was still in time.
