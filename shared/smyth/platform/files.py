"""Files of tenants: small ones through us, large ones straight into the bucket, each with its record.

A record is written before the content and completed after it, so whatever fails
in between leaves no file that nobody knows. Records never completed go away by themselves.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from smyth.platform.errors import NotFound, TooLarge
from smyth.platform.times import Clock, utc_now

if TYPE_CHECKING:
    from smyth.connectors.storage.port import FileStore, Upload

FILE = "fil"
#: What fits through API Gateway and Lambda, which carry files as base64.
MAX_DIRECT_BYTES = 4 * 1024 * 1024
#: What S3 takes in one upload.
MAX_FILE_BYTES = 5 * 1024**3
DEFAULT_TYPE = "application/octet-stream"
PENDING_FOR = timedelta(days=1)

_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,60}/[A-Za-z0-9!#$&^_.+-]{1,60}(?:; ?charset=[A-Za-z0-9-]{1,20})?")
#: Control characters, and those that turn the direction of writing round to disguise a name's ending.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_MAX_NAME = 255
_MAX_KEY_NAME = 100


def display_name(name: str) -> str:
    """Return the last part of what may be a path, without characters that cannot be seen.

    Raises:
        ValueError: Nothing is left, or it is too long.
    """
    name = _UNSEEN.sub("", unicodedata.normalize("NFC", name))
    name = re.split(r"[/\\]", name)[-1].strip()
    if not name.strip("."):
        raise ValueError("The file needs a name, such as report.pdf; folders in it do not count.")
    if len(name) > _MAX_NAME:
        raise ValueError(f"The file's name has {len(name)} characters. Shorten it to {_MAX_NAME}.")
    return name


def media_type(given: str) -> str:
    """Return ``given`` where it has the form of a media type.

    Raises:
        ValueError: It has not.
    """
    if not _TYPE.fullmatch(given):
        raise ValueError("A content type looks like application/pdf.")
    return given


class PlannedUpload(BaseModel):
    """A file that the caller will upload by itself."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, AfterValidator(display_name)]
    size: int = Field(ge=0, le=MAX_FILE_BYTES, description="Bytes.")
    content_type: Annotated[str, AfterValidator(media_type)] = DEFAULT_TYPE


class File(BaseModel):
    """A file's record."""

    model_config = ConfigDict(frozen=True)

    key: str
    name: str
    size: int
    content_type: str
    status: Literal["pending", "stored"] = "pending"
    created_at: datetime
    created_by: str

    @classmethod
    def new(cls, name: str, size: int, content_type: str, *, ulid: str, by: str, now: datetime) -> File:
        """Return the record of a file to come; its key is made of ``ulid`` and what is safe of the name."""
        key = f"{FILE}-{ulid}-{_key_name(name)}"
        return cls(key=key, name=name, size=size, content_type=content_type, created_at=now, created_by=by)


class FileRecords(Protocol):
    """Where records live."""

    def add(self, tenant_id: str, file: File, expires_at: datetime) -> None:
        """Write the record of a file to come, unless it is there; it goes away at ``expires_at`` if not completed."""
        ...

    def get(self, tenant_id: str, key: str) -> File | None:
        """Return a record, or None."""
        ...

    def oldest_first(self, tenant_id: str, after: str = "") -> Iterable[File]:
        """Yield the tenant's records behind the key ``after``."""
        ...

    def complete(self, tenant_id: str, key: str, *, size: int, etag: str, at: datetime, sequencer: str) -> bool:
        """Note that the content is there; False where there is no record, or a newer content is noted.

        ``sequencer`` orders what S3 tells of one key; empty comes before all.
        """
        ...


class Files:
    """Uploads of tenants."""

    def __init__(self, records: FileRecords, store: FileStore, *, clock: Clock = utc_now) -> None:
        self._records = records
        self._store = store
        self._clock = clock

    def store(self, tenant_id: str, file: File, content: bytes) -> None:
        """Keep a small file."""
        self._records.add(tenant_id, file, file.created_at + PENDING_FOR)
        etag = self._store.put(tenant_id, file.key, content, file.content_type)
        self._records.complete(tenant_id, file.key, size=file.size, etag=etag, at=self._clock(), sequencer="")

    def expect(self, tenant_id: str, file: File) -> None:
        """Keep the record of a file that the caller will upload."""
        self._records.add(tenant_id, file, file.created_at + PENDING_FOR)

    def upload(self, tenant_id: str, file: File) -> Upload:
        """Return how to upload an expected file."""
        return self._store.upload(tenant_id, file.key, file.size, file.content_type)

    def stored(self, tenant_id: str, *, after: str = "", limit: int = 100) -> list[File]:
        """Return files whose content is there, oldest first, behind the key ``after``."""
        complete = (file for file in self._records.oldest_first(tenant_id, after) if file.status == "stored")
        return list(islice(complete, limit))

    def read(self, tenant_id: str, key: str, *, most: int = MAX_DIRECT_BYTES) -> tuple[File, bytes]:
        """Return a file of up to ``most`` bytes and its content.

        Raises:
            NotFound: The tenant has no such file, or its content never came.
            TooLarge: It must be downloaded.
        """
        file = self._records.get(tenant_id, key)
        if file is None or file.status != "stored":
            raise NotFound(f"There is no file {key}. Upload it with POST /api/storage/upload.")
        if file.size > most:
            raise TooLarge(
                f"The file has {file.size:,} bytes; up to {most:,} can be read at once. "
                f"Download it within an hour: {self.download_url(tenant_id, file)}"
            )
        content = self._store.get(tenant_id, key)
        if content is None:
            raise NotFound(f"The content of the file {key} is gone. Upload it again.")
        return file, content

    def download_url(self, tenant_id: str, file: File) -> str:
        """Return where the file can be had for a while."""
        return self._store.download_url(tenant_id, file.key, file.name)

    def arrived(self, tenant_id: str, key: str, *, size: int, etag: str, sequencer: str) -> bool:
        """Complete the record of a file whose content S3 has told of, however often it does.

        Returns:
            False where nobody expects the file, or a newer content of it is known.
        """
        return self._records.complete(tenant_id, key, size=size, etag=etag, at=self._clock(), sequencer=sequencer)


def _key_name(name: str) -> str:
    """Return a name's letters and digits, safe in keys and addresses; the ending stays."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    stem, dot, ending = re.sub(r"[^A-Za-z0-9.]+", "-", plain).strip("-.").rpartition(".")
    ending = ending[:20]
    return f"{stem[: _MAX_KEY_NAME - len(ending)].strip('-.')}{dot}{ending}".strip("-.") or "file"
