"""Tenants in the table.

============  ==============  ==============
item          partition       sort key
============  ==============  ==============
tenant        ``T#<tenant>``  ``META``
for listing   ``TENANTS``     ``<tenant>``
============  ==============  ==============
"""

from __future__ import annotations

from collections.abc import Iterator

from smyth.aws.plan_changes import seed_write
from smyth.aws.table import ConditionFailed, Item, Table, Write, key, put, put_new
from smyth.platform.plan_changes import Seed
from smyth.platform.tenants import Tenant
from smyth.platform.times import rfc3339

_LIST = "TENANTS"


class DynamoTenants:
    """A :class:`~smyth.platform.tenants.TenantStore` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def create(self, tenant: Tenant) -> Tenant:
        """See :meth:`smyth.platform.tenants.TenantStore.create`."""
        try:
            self._table.transact([put_new(_item(tenant)), put_new(listing_key(tenant.id))])
        except ConditionFailed as failed:
            return self.get(tenant.id) or Tenant.model_validate(failed.item)
        return tenant

    def get(self, tenant_id: str) -> Tenant | None:
        """See :meth:`smyth.platform.tenants.TenantStore.get`."""
        at = tenant_key(tenant_id)
        item = self._table.get(at["pk"], at["sk"])
        return Tenant.model_validate(item) if item else None

    def newest_first(self, after: str = "") -> Iterator[Tenant]:
        """See :meth:`smyth.platform.tenants.TenantStore.newest_first`."""
        listed = self._table.query(_LIST, newest_first=True, after=after)
        for item in self._table.follow(listed, lambda entry: tenant_key(entry["sk"])):
            yield Tenant.model_validate(item)

    def replace(self, tenant: Tenant, seed: Seed | None = None) -> bool:
        """See :meth:`smyth.platform.tenants.TenantStore.replace`."""
        changed = tenant_write(tenant)
        try:
            if seed is None:
                self._table.write(changed)
            else:
                self._table.transact([changed, seed_write(seed)])
        except ConditionFailed:
            return False
        return True


def tenant_key(tenant_id: str) -> Item:
    """Return the key of a tenant's own item."""
    return key(f"T#{tenant_id}", "META")


def listing_key(tenant_id: str) -> Item:
    """Return the key by which a tenant is listed."""
    return key(_LIST, tenant_id)


def tenant_write(tenant: Tenant) -> Write:
    """Return the write of a changed tenant, which fails when the tenant has another revision by now."""
    item = _item(tenant) | {"revision": tenant.revision + 1}
    return put(item, condition="#revision = :seen", values={"seen": tenant.revision})


def _item(tenant: Tenant) -> Item:
    times = {
        "created_at": rfc3339(tenant.created_at),
        "trial_until": rfc3339(tenant.trial_until) if tenant.trial_until else None,
        "plan_history": [{"plan": change.plan, "since": rfc3339(change.since)} for change in tenant.plan_history],
    }
    return tenant_key(tenant.id) | tenant.model_dump() | times
