"""Files held in memory: tests, and agents called from Python."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

from smyth.connectors.files.port import ListedFile, StoredFile

#: All files together; the oldest make room.
MAX_TOTAL_BYTES = 256 * 1024 * 1024


class MemoryFiles:
    """A :class:`~smyth.connectors.files.port.FileSystem` that ends with its process."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._files: dict[str, tuple[StoredFile, float | None]] = {}
        self._bytes = 0

    async def read(self, path: str) -> StoredFile | None:
        """See :meth:`smyth.connectors.files.port.FileSystem.read`."""
        file, ends = self._files.get(path, (None, None))
        if file is None or not _is_over(ends, self._clock()):
            return file
        self._drop(path)
        return None

    async def write(self, path: str, file: StoredFile, *, seconds: int | None) -> None:
        """See :meth:`smyth.connectors.files.port.FileSystem.write`."""
        now = self._clock()
        self._drop(path)
        self._files[path] = (file, None if seconds is None else now + seconds)
        self._bytes += len(file.content)
        if self._bytes > MAX_TOTAL_BYTES:
            self._make_room(now, keep=path)

    async def list_files(self, folder: str, *, after: str = "", limit: int = 100) -> list[ListedFile]:
        """See :meth:`smyth.connectors.files.port.FileSystem.list_files`."""
        now = self._clock()
        found = sorted(
            (path, file)
            for path, (file, ends) in self._files.items()
            if path.startswith(folder) and path > after and not _is_over(ends, now)
        )
        return [ListedFile(path, len(file.content)) for path, file in found[:limit]]

    async def link(self, path: str, *, name: str, seconds: int | None) -> str:
        """Return the file itself as a data URL: without a server nothing else gives it to whoever has the address."""
        file = await self.read(path)
        return data_url(file) if file else ""

    def _make_room(self, now: float, *, keep: str) -> None:
        for path in [path for path, (_, ends) in self._files.items() if _is_over(ends, now)]:
            self._drop(path)
        for path in list(self._files):
            if self._bytes <= MAX_TOTAL_BYTES or path == keep:
                return
            self._drop(path)

    def _drop(self, path: str) -> None:
        file, _ = self._files.pop(path, (None, None))
        self._bytes -= len(file.content) if file else 0


def data_url(file: StoredFile) -> str:
    """Return a file as an address that holds its content."""
    return f"data:{file.mimetype};base64,{base64.b64encode(file.content).decode()}"


def _is_over(ends: float | None, now: float) -> bool:
    return ends is not None and ends <= now
