"""The storage port: whole objects of one tenant, by key."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

#: S3 takes keys of 1,024 bytes; the rest is for what stands before a tenant's own.
MOST_KEY_BYTES = 900
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\\]")


class StorageError(ValueError):
    """An object cannot be kept or had so; the message says why."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What a client must send to upload a file, or a part of one, by itself."""

    url: str
    method: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What is known of an object without its content."""

    key: str
    size: int
    content_type: str
    etag: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    #: When its time is over, in seconds since 1970; None for never.
    ends: int | None = None


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object."""

    info: ObjectInfo
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object in a list."""

    key: str
    size: int


class Storage(Protocol):
    """The objects of one tenant, which no key leads out of.

    Every method that takes a key raises :class:`StorageError` where :func:`checked_key` does.
    """

    def put(
        self,
        key: str,
        content: bytes,
        content_type: str,
        *,
        metadata: Mapping[str, str] | None = None,
        seconds: int | None = None,
    ) -> ObjectInfo:
        """Write an object, whole or not at all, for ``seconds`` or for good; one that is there is replaced."""
        ...

    def get(self, key: str, *, most: int | None = None) -> StoredObject | None:
        """Return an object, or None where there is none or its time is over.

        Raises:
            StorageError: It has more than ``most`` bytes; nothing of it was read.
        """
        ...

    def head(self, key: str) -> ObjectInfo | None:
        """Return what is known of an object, or None where there is none or its time is over."""
        ...

    def start(self, key: str, size: int) -> bytes:
        """Return up to ``size`` bytes of an object's beginning; none where there is no such object."""
        ...

    def list_objects(self, prefix: str, *, after: str = "", limit: int = 100) -> list[ListedObject]:
        """Return objects whose keys begin with ``prefix``, in the order of the keys' bytes, behind the key ``after``.

        One whose time is over may still be among them.
        """
        ...

    def delete(self, key: str) -> None:
        """Delete an object; one that does not exist is no error."""
        ...

    def download_url(self, key: str, name: str, *, seconds: int) -> str:
        """Return an address that gives an object to whoever has it, for ``seconds`` at least, saved under ``name``."""
        ...


class Uploads(Protocol):
    """Objects that clients send by themselves, past our functions, by addresses that work for a limited time."""

    def upload(self, key: str, size: int, content_type: str) -> Upload:
        """Return how to send an object of exactly this size and type."""
        ...

    def begin_parts(self, key: str, content_type: str) -> str:
        """Begin an upload in parts and return its id; the object is there once it is finished."""
        ...

    def part_uploads(self, key: str, upload_id: str, sizes: Sequence[int]) -> list[Upload]:
        """Return how to send each part, of exactly its size; the first is part 1."""
        ...

    def sent_parts(self, key: str, upload_id: str) -> dict[int, int] | None:
        """Return the sizes of the parts that came, by number; None where the upload is over or was never begun."""
        ...

    def finish_parts(self, key: str, upload_id: str) -> None:
        """Make the object of the parts that came."""
        ...

    def abort_parts(self, key: str, upload_id: str) -> None:
        """Give up an upload and its parts; one that is over is no error."""
        ...


class DirectStorage(Storage, Uploads, Protocol):
    """Storage that clients can reach by themselves."""


def checked_key(key: str) -> str:
    """Return ``key`` where it is a path of plain names, which means the same to every adapter.

    Raises:
        StorageError: It is not.
    """
    parts = key.split("/")
    if _UNSAFE.search(key) or len(key.encode("utf-8", "surrogatepass")) > MOST_KEY_BYTES:
        raise StorageError("A key has up to 900 bytes, and neither backslashes nor control characters.")
    if any(not part.strip(".") for part in parts):
        raise StorageError("A key is a path such as files/report.pdf: relative, without empty parts, . and ..")
    return key
