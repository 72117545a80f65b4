"""API keys in the table.

===============  =================  ==============
item             partition          sort key
===============  =================  ==============
key              ``KEY#<sha256>``   ``META``
previous secret  ``KEY#<sha256>``   ``META``
for listing      ``T#<tenant>``     ``KEY#<key>``
===============  =================  ==============

A rotated key lies under both secrets' hashes until the overlap has ended. The listing guards all: who writes it with
the revision that they have seen writes the others too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from smyth.aws.table import ConditionFailed, Item, Table, Write, delete, key, put, put_new
from smyth.platform.keys import Key
from smyth.platform.times import rfc3339

_UNCHANGED = "attribute_exists(#pk) AND (attribute_not_exists(#revision) OR #revision = :seen)"
#: A previous secret's item goes a day after its end.
_KEPT = timedelta(days=1)


class DynamoKeys:
    """A :class:`~smyth.platform.keys.KeyStore` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def create(self, made: Key) -> Key:
        """See :meth:`smyth.platform.keys.KeyStore.create`."""
        try:
            self._table.transact([put_new(_item(made)), put_new(_listed(made))])
        except ConditionFailed:
            return self.get(made.tenant_id, made.id) or made
        return made

    def get(self, tenant_id: str, key_id: str) -> Key | None:
        """See :meth:`smyth.platform.keys.KeyStore.get`."""
        at, before = _listing(tenant_id, key_id), None
        # Between both reads the key may have got another secret: then the listing tells a new one.
        while (listed := self._table.get(at["pk"], at["sk"])) != before and listed:
            item = self._table.get(*at_secret(listed["sha256"]))
            if item:
                return _key(item)
            before = listed
        return None

    def newest_first(self, tenant_id: str, after: str = "") -> Iterator[Key]:
        """See :meth:`smyth.platform.keys.KeyStore.newest_first`."""
        listed = self._table.query(
            f"T#{tenant_id}", prefix="KEY#", newest_first=True, after=f"KEY#{after}" if after else ""
        )
        for item in self._table.follow(listed, lambda entry: key(*at_secret(entry["sha256"]))):
            yield _key(item)

    def replace(self, known: Key, changed: Key) -> bool:
        """See :meth:`smyth.platform.keys.KeyStore.replace`."""
        written = changed.model_copy(update={"revision": known.revision + 1})
        writes = [put(_listed(written), condition=_UNCHANGED, values={"seen": known.revision}), put(_item(written))]
        if written.previous_sha256:
            writes.append(put(_previous_item(written)))
        writes += [delete(key(*at_secret(gone))) for gone in _hashes(known) - _hashes(written)]
        return self._done(writes)

    def delete(self, known: Key) -> bool:
        """See :meth:`smyth.platform.keys.KeyStore.delete`."""
        at = _listing(known.tenant_id, known.id)
        listing = delete(at, condition=_UNCHANGED, values={"seen": known.revision})
        return self._done([listing, *(delete(key(*at_secret(sha256))) for sha256 in _hashes(known))])

    def _done(self, writes: list[Write]) -> bool:
        try:
            self._table.transact(writes)
        except ConditionFailed:
            return False
        return True


def at_secret(sha256: str) -> tuple[str, str]:
    """Return where a key lies, by the hash of its secret."""
    return f"KEY#{sha256}", "META"


def _hashes(known: Key) -> set[str]:
    return {known.sha256, known.previous_sha256} - {""}


def _listing(tenant_id: str, key_id: str) -> Item:
    return key(f"T#{tenant_id}", f"KEY#{key_id}")


def _listed(made: Key) -> Item:
    return _listing(made.tenant_id, made.id) | {"sha256": made.sha256, "revision": made.revision}


def _item(made: Key) -> Item:
    # "expires_at" is the table's TTL attribute; a key that has expired should still be listed.
    times = {
        "created_at": rfc3339(made.created_at),
        "valid_until": _text(made.expires_at),
        "previous_until": _text(made.previous_until),
    }
    return key(*at_secret(made.sha256)) | made.model_dump(exclude={"expires_at"}) | times


def _previous_item(made: Key) -> Item:
    """Return the same key under its secret of before, which ends by itself."""
    ends = min(moment for moment in (made.previous_until, made.expires_at) if moment is not None)
    at = key(*at_secret(made.previous_sha256))
    return _item(made) | at | {"valid_until": rfc3339(ends), "expires_at": int((ends + _KEPT).timestamp())}


def _text(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None


def _key(item: Item) -> Key:
    return Key.model_validate({"expires_at": item.get("valid_until")} | item)
