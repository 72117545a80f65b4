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
from smyth.aws.table import ConditionFailed, Item, Table, key, put, put_new
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
            self._table.transact([put_new(_item(tenant)), put_new(key(_LIST, tenant.id))])
        except ConditionFailed as failed:
            return self.get(tenant.id) or Tenant.model_validate(failed.item)
        return tenant

    def get(self, tenant_id: str) -> Tenant | None:
        """See :meth:`smyth.platform.tenants.TenantStore.get`."""
        item = self._table.get(*_at(tenant_id))
        return Tenant.model_validate(item) if item else None

    def newest_first(self, after: str = "") -> Iterator[Tenant]:
        """See :meth:`smyth.platform.tenants.TenantStore.newest_first`."""
        listed = self._table.query(_LIST, newest_first=True, after=after)
        for item in self._table.follow(listed, lambda entry: key(*_at(entry["sk"]))):
            yield Tenant.model_validate(item)

    def replace(self, tenant: Tenant, seed: Seed | None = None) -> bool:
        """See :meth:`smyth.platform.tenants.TenantStore.replace`."""
        item = _item(tenant) | {"revision": tenant.revision + 1}
        changed = put(item, condition="#revision = :seen", values={"seen": tenant.revision})
        try:
            if seed is None:
                self._table.write(changed)
            else:
                self._table.transact([changed, seed_write(seed)])
        except ConditionFailed:
            return False
        return True


def _at(tenant_id: str) -> tuple[str, str]:
    return f"T#{tenant_id}", "META"


def _item(tenant: Tenant) -> Item:
    times = {
        "created_at": rfc3339(tenant.created_at),
        "trial_until": rfc3339(tenant.trial_until) if tenant.trial_until else None,
        "plan_history": [{"plan": change.plan, "since": rfc3339(change.since)} for change in tenant.plan_history],
    }
    return key(*_at(tenant.id)) | tenant.model_dump() | times
