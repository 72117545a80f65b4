"""Files of agents in a storage, below ``fs/``: the bucket, or a local folder."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Protocol

from smyth.connectors.files.port import MAX_BYTES, FileError, ListedFile, StoredFile
from smyth.connectors.storage.folder import FolderStorage
from smyth.connectors.storage.port import Storage, StorageError

_PLACE = "fs/"
#: A link without an end, where the storage knows links with an end only.
_LONG_S = 7 * 86_400


class Linker(Protocol):
    """Gives stored objects addresses of our own."""

    def make(self, key: str, name: str, seconds: int | None) -> str:
        """Return an address that gives an object to whoever has it, for ``seconds`` or for good, saved as ``name``.

        Raises:
            FileError: There is no such address.
        """
        ...


class StoredFiles:
    """A :class:`~smyth.connectors.files.port.FileSystem` over a tenant's storage."""

    def __init__(self, storage: Storage, linker: Linker | None = None) -> None:
        self._storage = storage
        self._linker = linker

    async def read(self, path: str) -> StoredFile | None:
        """See :meth:`smyth.connectors.files.port.FileSystem.read`."""
        try:
            found = await asyncio.to_thread(self._storage.get, _PLACE + path, most=MAX_BYTES)
        except StorageError as error:
            raise FileError(f"{error} Runs take no larger ones.") from None
        return StoredFile(found.content, found.info.content_type) if found else None

    async def write(self, path: str, file: StoredFile, *, seconds: int | None) -> None:
        """See :meth:`smyth.connectors.files.port.FileSystem.write`."""
        put = self._storage.put
        try:
            await asyncio.to_thread(put, _PLACE + path, file.content, file.mimetype, seconds=seconds)
        except StorageError as error:
            raise FileError(str(error)) from None

    async def list_files(self, folder: str, *, after: str = "", limit: int = 100) -> list[ListedFile]:
        """See :meth:`smyth.connectors.files.port.FileSystem.list_files`."""
        behind = _PLACE + after if after else ""
        found = await asyncio.to_thread(self._storage.list_objects, _PLACE + folder, after=behind, limit=limit)
        return [ListedFile(one.key.removeprefix(_PLACE), one.size) for one in found]

    async def link(self, path: str, *, name: str, seconds: int | None) -> str:
        """See :meth:`smyth.connectors.files.port.FileSystem.link`."""
        if self._linker is not None:
            return await asyncio.to_thread(self._linker.make, _PLACE + path, name, seconds)
        address = self._storage.download_url
        return await asyncio.to_thread(address, _PLACE + path, name, seconds=seconds or _LONG_S)


def files_in(folder: Path) -> StoredFiles:
    """Return files that a local folder keeps from one process to the next; links are ``file://`` addresses."""
    return StoredFiles(FolderStorage(folder, "default"))
