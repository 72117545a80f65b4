"""The storage port: files by tenant and key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Upload:
    """What a client must send to upload a file by itself."""

    url: str
    method: str
    headers: dict[str, str]


class FileStore(Protocol):
    """File contents by tenant; keys are made by :mod:`smyth.platform.files` and safe as paths."""

    def put(self, tenant_id: str, key: str, content: bytes, content_type: str) -> str:
        """Write a file and return its ETag."""
        ...

    def get(self, tenant_id: str, key: str) -> bytes | None:
        """Return a file's content, or None where there is none."""
        ...

    def download_url(self, tenant_id: str, key: str, name: str) -> str:
        """Return an address that gives the file to whoever has it, for a limited time, saved under ``name``."""
        ...

    def upload(self, tenant_id: str, key: str, size: int, content_type: str) -> Upload:
        """Return how to upload a file of exactly this size and type, for a limited time."""
        ...
