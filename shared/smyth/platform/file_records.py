"""Records of files: what is kept of each, and where."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

FILE = "fil"
#: How long a file may be on its way.
PENDING_FOR = timedelta(days=1)
#: How long it is remembered of a file that it is gone, so that what arrives late does not stay.
REMEMBERED_FOR = timedelta(days=3)

#: ``refused``: the content was no such file as was said, and is gone. ``deleted``: so is the file, for everybody.
Status = Literal["pending", "stored", "refused", "deleted"]


_KEY = re.compile(r"fil-[0-9a-z]{26}-[A-Za-z0-9.-]{1,130}")


def is_file_key(text: str) -> bool:
    """Tell whether ``text`` has the form of a file's key."""
    return _KEY.fullmatch(text) is not None


class File(BaseModel):
    """A file's record."""

    model_config = ConfigDict(frozen=True)

    key: str
    name: str
    size: int
    content_type: str
    status: Status = "pending"
    created_at: datetime
    created_by: str
    #: When its time is over; None for never.
    ends_at: datetime | None = None
    #: What of the tenant's limit it takes up; None for files from before there was one.
    charged: int | None = None
    #: Of an upload in parts.
    upload_id: str | None = None
    #: When nothing of it can arrive any more, once it is deleted or refused; then the record goes, too.
    forget_at: datetime | None = None
    #: Why it was refused.
    reason: str | None = None
    etag: str = ""
    #: Orders what S3 tells of one key; empty comes before all.
    sequencer: str | None = None

    @property
    def due(self) -> datetime | None:
        """When the sweep looks after it: it never came, or its time is over."""
        return self.created_at + PENDING_FOR if self.status == "pending" else self.ends_at

    def is_over(self, now: datetime) -> bool:
        """Tell whether nobody is to see it any more."""
        return self.status == "deleted" or (self.ends_at is not None and self.ends_at <= now)


class FileRecords(Protocol):
    """Where records live, and the count of what they take up."""

    def add(self, tenant_id: str, file: File, limit: int | None) -> bool:
        """Write the record of a file to come, unless it is there, and reserve its size.

        Returns:
            False where the tenant's files would take up more than ``limit``; then nothing is written.
        """
        ...

    def get(self, tenant_id: str, key: str) -> File | None:
        """Return a record, or None."""
        ...

    def oldest_first(self, tenant_id: str, after: str = "") -> Iterable[File]:
        """Yield the tenant's records behind the key ``after``."""
        ...

    def replace(self, tenant_id: str, before: File, after: File) -> bool:
        """Write a record as it is now, and count what changed; False where it is not as ``before`` any more.

        A record with a :attr:`File.forget_at` goes away by itself after it.
        """
        ...

    def due(self, now: datetime) -> Iterable[tuple[str, File]]:
        """Yield tenants and records whose :attr:`File.due` is past."""
        ...

    def used(self, tenant_id: str) -> int:
        """Return the bytes that the tenant's files take up, those on their way among them."""
        ...
