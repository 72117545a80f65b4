"""Objects in a local folder: ``smyth run`` and ``smyth prompt`` with ``--data``, and agents called from Python.

An object is a folder below ``<root>/<tenant>/``, named as its key, with what is known of it in ``~about.json`` and its
content beside that, under a new name at each write. ``~about.json`` names the content and is replaced in one step, so
that a reader gets the old object or the new one and never something between.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from smyth.connectors.storage.port import ListedObject, ObjectInfo, StorageError, StoredObject, checked_key

_ABOUT = "~about.json"
#: File systems take names of 255 bytes.
_LONGEST_NAME = 200


class FolderStorage:
    """A :class:`~smyth.connectors.storage.port.Storage` in a folder of this machine."""

    def __init__(self, root: Path, tenant_id: str, *, clock: Callable[[], float] = time.time) -> None:
        self._home = root.absolute() / _file_name(checked_key(tenant_id))
        self._clock = clock

    def put(
        self,
        key: str,
        content: bytes,
        content_type: str,
        *,
        metadata: Mapping[str, str] | None = None,
        seconds: int | None = None,
    ) -> ObjectInfo:
        """See :meth:`smyth.connectors.storage.port.Storage.put`."""
        place = self._place(key)
        ends = None if seconds is None else int(self._clock()) + seconds
        etag = hashlib.sha256(content).hexdigest()
        info = ObjectInfo(key, len(content), content_type, etag, dict(metadata or {}), ends)
        kept_as = f"~{secrets.token_hex(8)}{_ending(key)}"
        about = {name: getattr(info, name) for name in info.__slots__} | {"content": kept_as}
        with self._one_writer():
            place.mkdir(parents=True, exist_ok=True)
            before = _read_about(place)
            _write(place / kept_as, content)
            _write(place / f"{kept_as}.about", json.dumps(about, ensure_ascii=False).encode())
            (place / f"{kept_as}.about").replace(place / _ABOUT)
            if before:
                (place / before["content"]).unlink(missing_ok=True)
        return info

    def get(self, key: str, *, most: int | None = None) -> StoredObject | None:
        """See :meth:`smyth.connectors.storage.port.Storage.get`."""
        while found := self._find(key):
            info, path = found
            if most is not None and info.size > most:
                raise StorageError(f"The object has {info.size:,} bytes; up to {most:,} are read at once.")
            try:
                return StoredObject(info, path.read_bytes())
            except FileNotFoundError:
                # Replaced or deleted since we looked; what is said of it now is another.
                if self._find(key) == found:
                    raise
        return None

    def head(self, key: str) -> ObjectInfo | None:
        """See :meth:`smyth.connectors.storage.port.Storage.head`."""
        found = self._find(key)
        return found[0] if found else None

    def start(self, key: str, size: int) -> bytes:
        """See :meth:`smyth.connectors.storage.port.Storage.start`."""
        found = self.get(key)
        return found.content[:size] if found else b""

    def list_objects(self, prefix: str, *, after: str = "", limit: int = 100) -> list[ListedObject]:
        """See :meth:`smyth.connectors.storage.port.Storage.list_objects`."""
        found = sorted(
            (info.key.encode(), info.size)
            for info in self._all()
            if info.key.startswith(prefix) and info.key.encode() > after.encode()
        )
        return [ListedObject(key.decode(), size) for key, size in found[:limit]]

    def delete(self, key: str) -> None:
        """See :meth:`smyth.connectors.storage.port.Storage.delete`."""
        place = self._place(key)
        with self._one_writer():
            about = _read_about(place)
            (place / _ABOUT).unlink(missing_ok=True)
            if about:
                (place / about["content"]).unlink(missing_ok=True)
            self._tidy(place)

    def download_url(self, key: str, name: str, *, seconds: int) -> str:
        """Return the content's place on this machine, which is good until the object is replaced or goes."""
        found = self._find(key)
        if found is None:
            raise StorageError(f"There is no object {key}.")
        return found[1].as_uri()

    def _find(self, key: str) -> tuple[ObjectInfo, Path] | None:
        place = self._place(key)
        about = _read_about(place)
        if about is None or about["key"] != key:
            return None
        info = _info(about)
        if info.ends is not None and info.ends <= self._clock():
            self.delete(key)
            return None
        return info, place / about["content"]

    def _all(self) -> Iterator[ObjectInfo]:
        now = self._clock()
        for folder, _, names in os.walk(self._home):
            about = _read_about(Path(folder)) if _ABOUT in names else None
            if about and (about["ends"] is None or about["ends"] > now):
                yield _info(about)

    def _place(self, key: str) -> Path:
        return self._home.joinpath(*(_file_name(part) for part in checked_key(key).split("/")))

    @contextmanager
    def _one_writer(self) -> Iterator[None]:
        """Let other processes' writers wait; readers never do."""
        # Only the owner may look inside, as with the data of `smyth dev`.
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._home / "~lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _tidy(self, place: Path) -> None:
        """Remove folders that hold nothing any more."""
        while place != self._home:
            try:
                place.rmdir()
            except OSError:
                return
            place = place.parent


def _file_name(part: str) -> str:
    """Return a part of a key as a file's name, one that ours, which begin with ``~``, never have."""
    name = quote(part, safe=" ()").replace("~", "%7E")
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 17]}~{hashlib.sha256(part.encode()).hexdigest()[:16]}"


def _ending(key: str) -> str:
    ending = Path(_file_name(key.rpartition("/")[2])).suffix
    return ending if len(ending) <= 20 else ""


def _info(about: Mapping[str, Any]) -> ObjectInfo:
    return ObjectInfo(**{name: about[name] for name in ObjectInfo.__slots__})


def _read_about(place: Path) -> dict[str, Any] | None:
    try:
        about: dict[str, Any] = json.loads((place / _ABOUT).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    return about


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
