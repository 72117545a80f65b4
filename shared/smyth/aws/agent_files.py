"""Files of agents in the bucket, and links to them in the table.

A file lies at ``t/<tenant>/fs/<path>``. Its metadata tells when its time is over, to the second; a tag tells a
lifecycle rule of the bucket to delete it some time after. A link is the item ``FILE-LINK#<token>``, ``LINK``.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable

from smyth.aws.bucket import Bucket
from smyth.aws.table import Table, key, put_new
from smyth.connectors.files.port import MAX_BYTES, FileError, ListedFile, StoredFile

#: The tag of the bucket's lifecycle rules, and the days after which they delete; see infra/storage.py.
EXPIRES_TAG = "expires-days"
EXPIRES_DAYS = (1, 3, 7, 14, 30, 91, 181, 366)
_DAY = 86_400
_ENDS = "expires-at"
#: How long the address of the bucket works that a link leads to.
_REDIRECT_SECONDS = 300


class AgentFiles:
    """A tenant's :class:`~smyth.connectors.files.port.FileSystem`."""

    def __init__(
        self,
        bucket: Bucket,
        links: FileLinks,
        tenant_id: str,
        public_url: str,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._bucket = bucket
        self._links = links
        self._tenant_id = tenant_id
        self._public_url = public_url
        self._clock = clock

    async def read(self, path: str) -> StoredFile | None:
        """See :meth:`smyth.connectors.files.port.FileSystem.read`."""
        return await asyncio.to_thread(self._read, path)

    async def write(self, path: str, file: StoredFile, *, seconds: int | None) -> None:
        """See :meth:`smyth.connectors.files.port.FileSystem.write`."""
        await asyncio.to_thread(self._write, path, file, seconds)

    async def list_files(self, folder: str, *, after: str = "", limit: int = 100) -> list[ListedFile]:
        """See :meth:`smyth.connectors.files.port.FileSystem.list_files`."""
        return await asyncio.to_thread(self._list_files, folder, after, limit)

    async def link(self, path: str, *, name: str, seconds: int | None) -> str:
        """See :meth:`smyth.connectors.files.port.FileSystem.link`."""
        if not self._public_url:
            raise FileError("This run has no public address for files. Call the agent through its API.")
        ends = None if seconds is None else int(self._clock()) + seconds
        token = await asyncio.to_thread(self._links.make, object_key(self._tenant_id, path), name, ends)
        return f"{self._public_url}/files/{token}"

    def _list_files(self, folder: str, after: str, limit: int) -> list[ListedFile]:
        start = len(object_key(self._tenant_id, ""))
        answer = self._bucket.client.list_objects_v2(
            Bucket=self._bucket.name,
            Prefix=object_key(self._tenant_id, folder),
            StartAfter=object_key(self._tenant_id, after) if after else "",
            MaxKeys=limit,
        )
        return [ListedFile(entry["Key"][start:], entry["Size"]) for entry in answer.get("Contents", [])]

    def _read(self, path: str) -> StoredFile | None:
        client = self._bucket.client
        try:
            found = client.get_object(Bucket=self._bucket.name, Key=object_key(self._tenant_id, path))
        except client.exceptions.NoSuchKey:
            return None
        with found["Body"] as body:
            ends = found["Metadata"].get(_ENDS)
            if ends and int(ends) <= self._clock():
                return None
            if found["ContentLength"] > MAX_BYTES:
                raise FileError(f"The file has {found['ContentLength']:,} bytes; runs take up to {MAX_BYTES:,}.")
            return StoredFile(body.read(), found["ContentType"])

    def _write(self, path: str, file: StoredFile, seconds: int | None) -> None:
        place, at = self._bucket, object_key(self._tenant_id, path)
        if seconds is None:
            place.put(at, file.content, file.mimetype)
            return
        days = next((days for days in EXPIRES_DAYS if days * _DAY >= seconds), EXPIRES_DAYS[-1])
        place.client.put_object(
            Bucket=place.name,
            Key=at,
            Body=file.content,
            ContentType=file.mimetype,
            Metadata={_ENDS: str(int(self._clock()) + seconds)},
            Tagging=f"{EXPIRES_TAG}={days}",
        )


class FileLinks:
    """Addresses that give a file to whoever has them."""

    def __init__(self, table: Table, bucket: Bucket, *, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._bucket = bucket
        self._clock = clock

    def make(self, object_key: str, name: str, ends: int | None) -> str:
        """Return the token of a new link; ``ends`` in seconds since 1970, None for never."""
        token = secrets.token_urlsafe(24)
        item = _place(token) | {"object_key": object_key, "name": name}
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


def object_key(tenant_id: str, path: str) -> str:
    """Return where a tenant's file lies in the bucket."""
    return f"t/{tenant_id}/fs/{path}"


def _place(token: str) -> dict[str, str]:
    return key(f"FILE-LINK#{token}", "LINK")
