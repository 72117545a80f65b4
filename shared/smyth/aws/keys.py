"""API keys in the table.

============  =================  ==============
item          partition          sort key
============  =================  ==============
key           ``KEY#<sha256>``   ``META``
for listing   ``T#<tenant>``     ``KEY#<key>``
============  =================  ==============
"""

from __future__ import annotations

from collections.abc import Iterator

from smyth.aws.table import ConditionFailed, Item, Table, delete, key, put_new
from smyth.platform.keys import Key
from smyth.platform.times import rfc3339


class DynamoKeys:
    """A :class:`~smyth.platform.keys.KeyStore` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def create(self, made: Key) -> Key:
        """See :meth:`smyth.platform.keys.KeyStore.create`."""
        listing = _listing(made.tenant_id, made.id) | {"sha256": made.sha256}
        try:
            self._table.transact([put_new(_item(made)), put_new(listing)])
        except ConditionFailed:
            return self.get(made.tenant_id, made.id) or made
        return made

    def get(self, tenant_id: str, key_id: str) -> Key | None:
        """See :meth:`smyth.platform.keys.KeyStore.get`."""
        at = _listing(tenant_id, key_id)
        listed = self._table.get(at["pk"], at["sk"])
        item = self._table.get(*at_secret(listed["sha256"])) if listed else None
        return _key(item) if item else None

    def newest_first(self, tenant_id: str, after: str = "") -> Iterator[Key]:
        """See :meth:`smyth.platform.keys.KeyStore.newest_first`."""
        listed = self._table.query(
            f"T#{tenant_id}", prefix="KEY#", newest_first=True, after=f"KEY#{after}" if after else ""
        )
        for item in self._table.follow(listed, lambda entry: key(*at_secret(entry["sha256"]))):
            yield _key(item)

    def delete(self, known: Key) -> bool:
        """See :meth:`smyth.platform.keys.KeyStore.delete`."""
        at = _listing(known.tenant_id, known.id)
        try:
            self._table.transact(
                [delete(key(*at_secret(known.sha256)), condition="attribute_exists(#pk)"), delete(at)],
            )
        except ConditionFailed:
            return False
        return True


def at_secret(sha256: str) -> tuple[str, str]:
    """Return where a key lies, by the hash of its secret."""
    return f"KEY#{sha256}", "META"


def _listing(tenant_id: str, key_id: str) -> Item:
    return key(f"T#{tenant_id}", f"KEY#{key_id}")


def _item(made: Key) -> Item:
    # "expires_at" is the table's TTL attribute; a key that has expired should still be listed.
    valid_until = rfc3339(made.expires_at) if made.expires_at else None
    times = {"created_at": rfc3339(made.created_at), "valid_until": valid_until}
    return key(*at_secret(made.sha256)) | made.model_dump(exclude={"expires_at"}) | times


def _key(item: Item) -> Key:
    return Key.model_validate({"expires_at": item.get("valid_until")} | item)
