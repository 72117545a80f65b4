"""Links to objects of the bucket, in the table: the item ``FILE-LINK#<token>``, ``LINK``."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from smyth.aws.bucket import Bucket
from smyth.aws.chained_storage import ChainedStorage
from smyth.aws.storage import BucketStorage
from smyth.aws.table import Table, key, put_new
from smyth.connectors.files.port import FileError
from smyth.connectors.files.stored import StoredFiles

#: How long the address of the bucket works that a link leads to.
_REDIRECT_SECONDS = 300


class FileLinks:
    """Addresses that give a file to whoever has them."""

    def __init__(self, table: Table, bucket: Bucket, *, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._bucket = bucket
        self._clock = clock

    def make(self, object_key: str, name: str, seconds: int | None) -> str:
        """Return the token of a new link, which works for ``seconds`` or for good."""
        token = secrets.token_urlsafe(24)
        item = _place(token) | {"object_key": object_key, "name": name}
        ends = None if seconds is None else int(self._clock()) + seconds
        self._table.write(put_new(item if ends is None else item | {"expires_at": ends}))
        return token

    def address(self, token: str) -> str | None:
        """Return where the file of a link can be had for a few minutes, or None where the link is none or over."""
        place = _place(token)
        item = self._table.get(place["pk"], place["sk"])
        left = _REDIRECT_SECONDS
        if item and "expires_at" in item:
            left = min(left, item["expires_at"] - int(self._clock()))
        if item is None or left <= 0:
            return None
        return self._bucket.download_url(item["object_key"], item["name"], seconds=left)


class PublicLinks:
    """A :class:`~smyth.connectors.files.stored.Linker`: links below the address of this service."""

    def __init__(self, links: FileLinks, storage: BucketStorage, public_url: str) -> None:
        self._links = links
        self._storage = storage
        self._public_url = public_url

    def make(self, key: str, name: str, seconds: int | None) -> str:
        """See :meth:`smyth.connectors.files.stored.Linker.make`."""
        if not self._public_url:
            raise FileError("This run has no public address for files. Call the agent through its API.")
        return f"{self._public_url}/files/{self._links.make(self._storage.object_key(key), name, seconds)}"


def agent_files(
    bucket: Bucket,
    links: FileLinks,
    tenant_id: str,
    public_url: str,
    *,
    depth: int = 0,
    clock: Callable[[], float] = time.time,
) -> StoredFiles:
    """Return the files of a tenant's agents, with links below ``public_url``; ``depth`` as chains of triggers have."""
    if depth:
        storage: BucketStorage = ChainedStorage(bucket, tenant_id, depth=depth)
    else:
        storage = BucketStorage(bucket, tenant_id, clock=clock)
    return StoredFiles(storage, PublicLinks(links, storage, public_url))


def _place(token: str) -> dict[str, str]:
    return key(f"FILE-LINK#{token}", "LINK")
