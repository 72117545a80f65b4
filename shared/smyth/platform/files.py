"""Files of tenants: small ones through us, large ones straight into the bucket, each with its record.

A record is written, and its bytes are reserved, before the content; it is completed after. So whatever fails in
between leaves no file that nobody knows and no byte that nobody counts. What never comes is swept away.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from smyth.connectors.storage.sniffing import SNIFFED_BYTES, unlike
from smyth.platform.errors import Busy, Conflict, LimitReached, NotAsDeclared, NotFound, TooLarge
from smyth.platform.file_names import display_name, key_name, media_type
from smyth.platform.file_records import FILE, REMEMBERED_FOR, File, FileRecords, Status, is_file_key
from smyth.platform.times import Clock, utc_now

if TYPE_CHECKING:
    from smyth.connectors.storage.port import DirectStorage, Upload

#: What fits through API Gateway and Lambda, which carry files as base64.
MAX_DIRECT_BYTES = 4 * 1024 * 1024
#: What S3 takes in one upload; enough for parts, too.
MAX_FILE_BYTES = 5 * 1024**3
#: Larger files are uploaded in parts of this size, so that a broken connection costs one part.
PART_BYTES = 64 * 1024 * 1024
#: The longest time that a file may be given.
MAX_TTL = 366 * 86_400
DEFAULT_TYPE = "application/octet-stream"

_DOWNLOAD_SECONDS = 60 * 60
_ATTEMPTS = 10


class PlannedUpload(BaseModel):
    """A file that the caller will upload by itself."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, AfterValidator(display_name)]
    size: int = Field(ge=0, le=MAX_FILE_BYTES, description="Bytes.")
    content_type: Annotated[str, AfterValidator(media_type)] = DEFAULT_TYPE
    ttl: int | None = Field(
        default=None, ge=60, le=MAX_TTL, description="Seconds that it is kept; left out, until it is deleted."
    )


def new_file(
    name: str, size: int, content_type: str, *, ulid: str, by: str, now: datetime, ttl: int | None = None
) -> File:
    """Return the record of a file to come; its key is made of ``ulid`` and what is safe of the name."""
    ends = None if ttl is None else now + timedelta(seconds=ttl)
    return File(
        key=f"{FILE}-{ulid}-{key_name(name)}",
        name=name,
        size=size,
        content_type=content_type,
        created_at=now,
        created_by=by,
        ends_at=ends,
        charged=size,
    )


class Files:
    """Uploads of tenants."""

    def __init__(
        self, records: FileRecords, storage: Callable[[str], DirectStorage], *, clock: Clock = utc_now
    ) -> None:
        self._records = records
        self._storage = storage
        self._clock = clock

    def store(self, tenant_id: str, file: File, content: bytes, *, limit: int | None) -> None:
        """Keep a small file.

        Raises:
            NotAsDeclared: It is of another type than is said.
            LimitReached: There is no room for it.
        """
        found = unlike(file.content_type, content[:SNIFFED_BYTES])
        if found:
            raise NotAsDeclared(_unlike(file, found))
        self._reserve(tenant_id, file, limit)
        info = self._storage(tenant_id).put(_object(file.key), content, file.content_type)
        self._settle(tenant_id, file.key, size=file.size, etag=info.etag, sequencer="")

    def expect(self, tenant_id: str, file: File, *, limit: int | None) -> None:
        """Keep the record of a file that the caller will upload.

        Raises:
            LimitReached: There is no room for it.
        """
        self._reserve(tenant_id, file, limit)
        known = self._records.get(tenant_id, file.key)
        if file.size > PART_BYTES and known is not None and known.upload_id is None:
            upload_id = self._storage(tenant_id).begin_parts(_object(file.key), file.content_type)
            self._records.replace(tenant_id, known, known.model_copy(update={"upload_id": upload_id}))

    def uploads(self, tenant_id: str, file: File) -> list[Upload]:
        """Return how to upload an expected file: in one, or in parts of :data:`PART_BYTES`.

        Raises:
            NotFound: Nobody expects it any more.
        """
        storage, known = self._storage(tenant_id), self.get(tenant_id, file.key)
        if known.upload_id is None:
            return [storage.upload(_object(file.key), file.size, file.content_type)]
        return storage.part_uploads(_object(file.key), known.upload_id, part_sizes(file.size))

    def finish(self, tenant_id: str, key: str) -> File:
        """Make a file of the parts that came; one that is made already stays as it is.

        Raises:
            NotFound: There is no such file.
            Conflict: Parts are missing, or it is not uploaded in parts.
            NotAsDeclared: It is of another type than was said; it is gone.
        """
        file = self.get(tenant_id, key)
        if file.status == "pending":
            if file.upload_id is None:
                raise Conflict("This file is uploaded in one; it is there once it arrived.")
            self._finish_parts(tenant_id, file, file.upload_id)
            file = self.get(tenant_id, key)
        if file.status == "refused":
            raise NotAsDeclared(file.reason or "The content was refused.")
        return file

    def page(self, tenant_id: str, *, after: str = "", limit: int = 100) -> tuple[list[File], str]:
        """Return files, oldest first, behind the key ``after``, and where the next page begins, empty at the end."""
        now = self._clock()
        seen = (file for file in self._records.oldest_first(tenant_id, after) if not file.is_over(now))
        found = list(islice(seen, limit + 1))
        return found[:limit], found[limit - 1].key if len(found) > limit else ""

    def stored(self, tenant_id: str, *, after: str = "", limit: int = 100) -> list[File]:
        """Return files whose content is there, oldest first, behind the key ``after``."""
        now = self._clock()
        seen = self._records.oldest_first(tenant_id, after)
        return list(islice((file for file in seen if file.status == "stored" and not file.is_over(now)), limit))

    def get(self, tenant_id: str, key: str) -> File:
        """Return a file's record.

        Raises:
            NotFound: The tenant has no such file.
        """
        file = self._records.get(tenant_id, key) if is_file_key(key) else None
        if file is None or file.is_over(self._clock()):
            raise NotFound(f"There is no file {key[:200]}. Upload it with POST /api/storage/upload.")
        return file

    def read(self, tenant_id: str, key: str, *, most: int = MAX_DIRECT_BYTES) -> tuple[File, bytes]:
        """Return a file of up to ``most`` bytes and its content.

        Raises:
            NotFound: The tenant has no such file, or its content never came.
            TooLarge: It must be downloaded.
        """
        file = self.get(tenant_id, key)
        if file.status != "stored":
            raise NotFound(f"There is no file {key}. Upload it with POST /api/storage/upload.")
        if file.size > most:
            raise TooLarge(
                f"The file has {file.size:,} bytes; up to {most:,} can be read at once. "
                f"Download it within an hour: {self.download_url(tenant_id, file)}"
            )
        found = self._storage(tenant_id).get(_object(key))
        if found is None:
            raise NotFound(f"The content of the file {key} is gone. Upload it again.")
        return file, found.content

    def download_url(self, tenant_id: str, file: File) -> str:
        """Return where the file can be had for an hour."""
        return self._storage(tenant_id).download_url(_object(file.key), file.name, seconds=_DOWNLOAD_SECONDS)

    def used(self, tenant_id: str) -> int:
        """Return the bytes that the tenant's files take up, those on their way among them."""
        return self._records.used(tenant_id)

    def arrived(self, tenant_id: str, key: str, *, size: int, etag: str, sequencer: str) -> bool:
        """Complete the record of a file whose content S3 has told of, however often it does.

        Content of another type than was said is removed, and so is what comes for a file that is gone.

        Returns:
            False where nobody expects the file, a newer content of it is known, or it was removed.
        """
        file, storage = self._records.get(tenant_id, key), self._storage(tenant_id)
        if file is None:
            return False
        if file.status in ("refused", "deleted"):
            storage.delete(_object(key))
            return False
        found = unlike(file.content_type, storage.start(_object(key), SNIFFED_BYTES))
        if found:
            self._end(tenant_id, file, "refused", _unlike(file, found))
            return False
        return self._settle(tenant_id, key, size=size, etag=etag, sequencer=sequencer)

    def delete(self, tenant_id: str, key: str) -> None:
        """Delete a file, or give up one that is on its way.

        Raises:
            NotFound: The tenant has no such file.
        """
        self._end(tenant_id, self.get(tenant_id, key), "deleted")

    def sweep(self, in_time: Callable[[], bool] = lambda: True) -> int:
        """Remove files that never came and those whose time is over; return how many."""
        swept = 0
        for tenant_id, file in self._records.due(self._clock()):
            if not in_time():
                break
            try:
                self._end(tenant_id, file, "deleted")
            except Busy:  # The next sweep finds it again; others need not wait for it.
                continue
            swept += 1
        return swept

    def _reserve(self, tenant_id: str, file: File, limit: int | None) -> None:
        if not self._records.add(tenant_id, file, limit):
            used = self._records.used(tenant_id)
            raise LimitReached(
                f"The plan includes {limit:,} bytes of files; {used:,} are taken or on their way, and this file has "
                f"{file.size:,}. Delete files, or ask for a larger plan. Nothing was kept of it."
            )

    def _finish_parts(self, tenant_id: str, file: File, upload_id: str) -> None:
        storage, place = self._storage(tenant_id), _object(file.key)
        sent = storage.sent_parts(place, upload_id)
        # None: an earlier call has finished it and did not come to tell the record.
        if sent is not None:
            wanted = dict(enumerate(part_sizes(file.size), 1))
            lacking = [number for number, size in wanted.items() if sent.get(number) != size]
            if lacking:
                told = ", ".join(map(str, lacking[:20]))
                raise Conflict(f"Parts are missing or of a wrong size: {told}. Send them, and call this again.")
            storage.finish_parts(place, upload_id)
        info = storage.head(place)
        if info is None:
            raise Conflict("The upload was given up. Begin anew with POST /api/storage/upload.")
        self.arrived(tenant_id, file.key, size=info.size, etag=info.etag, sequencer="")

    def _settle(self, tenant_id: str, key: str, *, size: int, etag: str, sequencer: str) -> bool:
        for _ in range(_ATTEMPTS):
            file = self._records.get(tenant_id, key)
            if file is None or file.status in ("refused", "deleted"):
                return False
            if file.sequencer is not None and file.sequencer >= sequencer:
                return False
            news = {"status": "stored", "size": size, "charged": size, "etag": etag, "sequencer": sequencer}
            if self._records.replace(tenant_id, file, file.model_copy(update=news)):
                return True
        raise Busy("Others are changing the file at the same time. Try again.", retry_after_s=1)

    def _end(self, tenant_id: str, file: File, status: Status, reason: str | None = None) -> None:
        """Take a file away. Content goes first: a record that is left tells who tries again where it was."""
        storage, place = self._storage(tenant_id), _object(file.key)
        if file.upload_id is not None and file.status == "pending":
            storage.abort_parts(place, file.upload_id)
        storage.delete(place)
        forget_at = self._clock() + REMEMBERED_FOR
        news = {"status": status, "charged": 0, "reason": reason, "upload_id": None, "ends_at": None}
        for _ in range(_ATTEMPTS):
            known = self._records.get(tenant_id, file.key)
            if known is None or known.status in ("deleted", status):
                return
            if self._records.replace(tenant_id, known, known.model_copy(update=news | {"forget_at": forget_at})):
                # Once more, for what came meanwhile; what comes from now on meets the record.
                storage.delete(place)
                return
        raise Busy("Others are changing the file at the same time. Try again.", retry_after_s=1)


def part_sizes(size: int) -> list[int]:
    """Return the sizes of the parts that a large file is uploaded in."""
    whole, rest = divmod(size, PART_BYTES)
    return [PART_BYTES] * whole + ([rest] if rest else [])


def _object(key: str) -> str:
    return f"files/{key}"


def _unlike(file: File, found: str) -> str:
    return (
        f"{file.name} is said to be {file.content_type}, but its content is {found}. Nothing was kept; "
        f"send it as what it is, or as {DEFAULT_TYPE}."
    )
