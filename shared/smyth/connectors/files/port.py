"""The files port: what agents store, and links that give it to whoever has them (ENGINE section 8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

#: Largest file that a run may hold; it lies in memory as a whole.
MAX_BYTES = 25 * 1024 * 1024


class FileError(ValueError):
    """A file cannot be had or kept; the message tells the agent's author why and what to do."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file's content and what it is."""

    content: bytes = field(repr=False)
    mimetype: str


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file without its content."""

    path: str
    size: int


class FileSystem(Protocol):
    """The files of one tenant. Paths come from :func:`smyth.connectors.files.uris.path_of` and are safe."""

    async def read(self, path: str) -> StoredFile | None:
        """Return a file, or None where there is none or its time is over."""
        ...

    async def write(self, path: str, file: StoredFile, *, seconds: int | None) -> None:
        """Keep a file, for ``seconds`` or for good; one that is there is replaced."""
        ...

    async def list_files(self, folder: str, *, after: str = "", limit: int = 100) -> list[ListedFile]:
        """Return files in the order of their paths; one whose time is over may still be among them.

        Args:
            folder: What the paths begin with.
            after: The path behind which to begin.
            limit: How many at the most.
        """
        ...

    async def link(self, path: str, *, name: str, seconds: int | None) -> str:
        """Return an address that gives the file to whoever has it, for ``seconds`` or for good.

        Args:
            path: The file.
            name: What the file is called when it is saved.
            seconds: How long the address works.

        Raises:
            FileError: This file system knows no address of its own.
        """
        ...
