"""Tenants' own models in the table: at ``T#<tenant>``, ``MODEL#<name>``, each as one JSON text."""

from __future__ import annotations

from collections.abc import Iterator

from smyth.aws.table import ConditionFailed, Item, Table, delete, key, put
from smyth.platform.model_records import TenantModel


class DynamoModels:
    """A :class:`~smyth.platform.models.ModelStore` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, tenant_id: str, name: str) -> TenantModel | None:
        """See :meth:`smyth.platform.models.ModelStore.get`."""
        at = _at(tenant_id, name)
        item = self._table.get(at["pk"], at["sk"])
        return _model(item) if item else None

    def by_name(self, tenant_id: str) -> Iterator[TenantModel]:
        """See :meth:`smyth.platform.models.ModelStore.by_name`."""
        return map(_model, self._table.query(f"T#{tenant_id}", prefix="MODEL#"))

    def put(self, tenant_id: str, model: TenantModel) -> None:
        """See :meth:`smyth.platform.models.ModelStore.put`."""
        # As text: prices have fractions, which the table's numbers here do not.
        self._table.write(put(_at(tenant_id, model.name) | {"record": model.model_dump_json(exclude_none=True)}))

    def delete(self, tenant_id: str, name: str) -> bool:
        """See :meth:`smyth.platform.models.ModelStore.delete`."""
        try:
            self._table.write(delete(_at(tenant_id, name), condition="attribute_exists(#pk)"))
        except ConditionFailed:
            return False
        return True


def _at(tenant_id: str, name: str) -> Item:
    return key(f"T#{tenant_id}", f"MODEL#{name}")


def _model(item: Item) -> TenantModel:
    return TenantModel.model_validate_json(item["record"])
