"""The data folder of a laptop cloud: what lies where, and the lock that gives it to one process at a time."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LONG_LOG_BYTES = 10 * 1024 * 1024


class LocalCloudError(Exception):
    """The laptop cloud cannot do what was asked; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Paths inside one data folder."""

    root: Path

    @property
    def state(self) -> Path:
        """SQLite file with everything the emulator knows but the bodies of objects."""
        return self.root / "state.db"

    @property
    def blobs(self) -> Path:
        """Code of the deployed functions, by sha-256."""
        return self.root / "blobs"

    @property
    def objects(self) -> Path:
        """Bodies of the buckets' objects."""
        return self.root / "objects"

    @property
    def assembly(self) -> Path:
        """The synthesised template and its assets."""
        return self.root / "cdk.out"

    @property
    def logs(self) -> Path:
        """One log file per child process and per function."""
        return self.root / "logs"

    @property
    def temporary(self) -> Path:
        """Unpacked functions of the running cloud; emptied at start and stop."""
        return self.root / "tmp"

    @property
    def settings(self) -> Path:
        """What is remembered from one start to the next, keys among it (mode 0600)."""
        return self.root / "settings.json"

    @property
    def dev_json(self) -> Path:
        """Where the running cloud is and its keys; there only while it runs."""
        return self.root / "dev.json"

    def create(self) -> None:
        """Make the folders; only the owner may look inside."""
        for folder in (self.root, self.blobs, self.objects, self.logs, self.temporary):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def put_long_logs_aside(self) -> None:
        """Begin logs anew that have grown long; the old ones stay until the next time."""
        for log in self.logs.rglob("*.log"):
            if log.stat().st_size > _LONG_LOG_BYTES:
                log.replace(log.with_suffix(".old"))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder's lock.

        Raises:
            LocalCloudError: Another process holds it.
        """
        self.create()
        with (self.root / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                raise LocalCloudError(
                    f"{self.root} is in use by another smyth dev (process {holder}); stop it or pass another --data"
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def read_settings(self) -> dict[str, Any]:
        """What earlier starts remembered; empty on first start."""
        try:
            settings: dict[str, Any] = json.loads(self.settings.read_text())
        except FileNotFoundError:
            return {}
        return settings

    def remember(self, **values: Any) -> None:
        """Add to what the next start shall know."""
        write_private(self.settings, json.dumps({**self.read_settings(), **values}, indent=2))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    beside = path.with_name(path.name + ".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
