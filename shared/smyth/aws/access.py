"""What the authorizer reads: keys by the hash of their secrets, memberships, tenants. Nothing heavy is imported.

Each is read anew for each request, so that what is revoked is refused at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from smyth.aws.attempts import Attempts
from smyth.aws.table import ConditionFailed, Item, Table, key, update
from smyth.platform.access import PERSON, Caller
from smyth.platform.memberships import person_hash, roles_of
from smyth.platform.times import rfc3339

if TYPE_CHECKING:
    from smyth.connectors.identity.tokens import Person

#: The time of a key's last use is this exact: a write at each request would cost more than the request's reads.
_LAST_USED_EVERY = timedelta(minutes=5)


class DynamoAccess:
    """Finds callers by their keys, or as whom they signed in."""

    def __init__(self, table: Table, attempts: Attempts) -> None:
        self._table = table
        self._attempts = attempts

    def find(self, sha256: str, source_ip: str, now: datetime) -> Caller | None:
        """Return who has the key; None when it is unknown, revoked or expired.

        Raises:
            TooManyAttempts: The address has shown too many keys that nobody has.
        """
        found = next(iter(self._attempts.check(source_ip, now, key(f"KEY#{sha256}", "META"))), None)
        if found is None or ("valid_until" in found and found["valid_until"] <= rfc3339(now)):
            return None
        tenant = self._tenant(found["tenant_id"])
        if tenant is None:
            return None
        if found.get("last_used_at", "") < rfc3339(now - _LAST_USED_EVERY):
            self._mark_used(sha256, rfc3339(now))
        return _caller(
            tenant,
            role=found["role"],
            key_id=found["id"],
            agents=tuple(found["agents"]),
            routes=tuple(found["routes"]),
            key_requests_per_minute=found.get("requests_per_minute"),
            acting_for=found.get("acting_for", ""),
        )

    def find_person(self, person: Person, tenant_id: str) -> Caller:
        """Return as whom somebody who signed in acts: in the tenant they name, or in the only one they have."""
        found = {
            item["tenant_id"]: item
            for item in self._table.query(f"PERSON#{person_hash(person.id)}", prefix="T#", page_size=100)
        }
        roles = roles_of(person, {tenant: item["role"] for tenant, item in found.items()})
        chosen = tenant_id or (next(iter(roles)) if len(roles) == 1 else "")
        tenant = self._tenant(chosen) if chosen in roles else None
        who: dict[str, Any] = {"subject": person.id, "email": person.email, "machine": person.machine}
        # Without a membership the key's place in budgets and logs takes what is left of the person's name.
        key_id = found[chosen]["id"] if chosen in found else f"person-{person_hash(person.id)[:26]}"
        if tenant is None:
            several = () if tenant_id else tuple(sorted(roles))[:20]
            return Caller(tenant_id="", role=PERSON, key_id=key_id, tenants=several, **who)
        return _caller(tenant, role=roles[chosen], key_id=key_id, **who)

    def _tenant(self, tenant_id: str) -> Item | None:
        return self._table.get(f"T#{tenant_id}", "META")

    def _mark_used(self, sha256: str, at: str) -> None:
        """Write the time of the last use."""
        write = update(
            key(f"KEY#{sha256}", "META"), "SET #last_used_at = :at", {"at": at}, condition="attribute_exists(#pk)"
        )
        try:
            self._table.write(write)
        except ConditionFailed:
            return  # Revoked in this moment; this request was still in time.


def tenant_caller(table: Table, tenant_id: str, *, role: str, key_id: str, public_url: str = "") -> Caller | None:
    """Return a caller who acts for a tenant by what the tenant has set up, such as a trigger; None without tenant."""
    tenant = table.get(f"T#{tenant_id}", "META")
    return _caller(tenant, role=role, key_id=key_id, public_url=public_url) if tenant else None


def _caller(tenant: Item, **who: Any) -> Caller:
    """Return a caller of ``tenant`` with all that functions need to know of it."""
    return Caller(
        tenant_id=tenant["id"],
        plan=tenant["plan"],
        limits=tuple(tenant["limits"].items()),
        status=tenant["status"],
        usage_identifier=tenant["usage_identifier"],
        time_zone=tenant.get("time_zone", "UTC"),
        requests_per_minute=tenant.get("requests_per_minute"),
        budgeted=tenant.get("budgeted", False),
        **who,
    )
