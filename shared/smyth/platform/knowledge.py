"""Documents that agents know: added, told of, indexed anew and deleted. The work itself is done by the worker."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING

from smyth.platform.errors import Busy, Conflict, NotFound, TooLarge
from smyth.platform.knowledge_records import (
    Content,
    Contents,
    KnowledgeRecords,
    KnownDocument,
    Place,
    Status,
    Task,
    TaskQueue,
    read_place,
)
from smyth.platform.times import Clock, utc_now

if TYPE_CHECKING:
    from smyth.connectors.storage.port import Upload
    from smyth.platform.file_records import File

#: What the parsers read; see :class:`smyth.connectors.documents.limits.ParseLimits`.
MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
#: A filter that finds little looks at this many records for one page.
_LOOKED_AT = 1_000
_ATTEMPTS = 5


class KnowledgeBase:
    """The use cases of documents."""

    def __init__(
        self,
        records: KnowledgeRecords,
        contents: Contents,
        queue: TaskQueue,
        *,
        file: Callable[[str, str], File | None],
        clock: Clock = utc_now,
    ) -> None:
        """Take where everything lies; ``file`` finds the record of a tenant's uploaded file by its key."""
        self._file = file
        self._records = records
        self._contents = contents
        self._queue = queue
        self._now = clock

    def add(self, tenant_id: str, place: Place, content: bytes, content_type: str, *, by: str) -> KnownDocument:
        """Keep a document, in the place of the one that lies there, and have it indexed."""
        return self._queued(tenant_id, place, self._contents.put(tenant_id, place.key, content, content_type), by)

    def stored_file(self, tenant_id: str, file_key: str) -> File:
        """Return an uploaded file that is to be a document.

        Raises:
            NotFound: The tenant has no such file, or its content never came.
        """
        file = self._file(tenant_id, file_key)
        if file is None or file.status != "stored":
            raise _no_file(file_key)
        return file

    def add_file(self, tenant_id: str, place: Place, file: File, *, by: str) -> KnownDocument:
        """Make an uploaded file a document.

        Raises:
            TooLarge: It is larger than documents are read.
            NotFound: It was deleted meanwhile.
        """
        if file.size > MAX_DOCUMENT_BYTES:
            raise TooLarge(too_large(file.size))
        content = self._contents.copy_file(tenant_id, file.key, place.key, file.content_type)
        if content is None:
            raise _no_file(file.key)
        return self._queued(tenant_id, place, content, by)

    def upload(self, tenant_id: str, place: Place, size: int, content_type: str) -> Upload:
        """Return how to upload a document; it is indexed when it arrives."""
        return self._contents.upload(tenant_id, place.key, size, content_type)

    def get(self, tenant_id: str, document_id: str) -> KnownDocument:
        """Return a document's record.

        Raises:
            NotFound: The tenant has no such document.
        """
        record = self._records.get(tenant_id, document_id)
        if record is None:
            raise NotFound(f"There is no document {document_id}. GET /api/knowledge lists those that there are.")
        return record

    def page(
        self, tenant_id: str, *, namespace: str = "", status: Status | None = None, limit: int = 20, after: str = ""
    ) -> tuple[list[KnownDocument], str]:
        """Return documents behind the id ``after`` and where the next page begins, empty at the end."""
        found: list[KnownDocument] = []
        place = after
        seen = 0
        for record in islice(self._records.by_id(tenant_id, after), _LOOKED_AT):
            if len(found) == limit:
                return found, place
            place, seen = record.id, seen + 1
            if (not namespace or record.namespace == namespace) and (status is None or record.status == status):
                found.append(record)
        return found, place if seen == _LOOKED_AT else ""

    def reindex(self, tenant_id: str, document_id: str) -> KnownDocument:
        """Have a document indexed anew.

        Raises:
            NotFound: The tenant has no such document.
            Conflict: It is being deleted.
        """

        def anew(record: KnownDocument) -> KnownDocument:
            if record.status == "deleting":
                raise Conflict(f"The document {document_id} is being deleted. Add it anew when it is gone.")
            return record.anew(self._now())

        return self._change(tenant_id, document_id, anew)

    def delete(self, tenant_id: str, document_id: str) -> KnownDocument:
        """Delete a document; the worker takes its pieces out of the index, and then the record.

        Raises:
            NotFound: The tenant has no such document.
        """
        record = self.get(tenant_id, document_id)
        self._contents.delete(tenant_id, record.key)
        return self._change(
            tenant_id,
            document_id,
            lambda found: found if found.status == "deleting" else found.going(self._now()),
        )

    def noticed(self, tenant_id: str, key: str) -> bool:
        """Have the worker look at a key that the bucket tells of; False where no document can lie there.

        However often, late or out of order it tells: the worker looks at what lies there then.
        """
        if read_place(tenant_id, key) is None:
            return False
        self._queue.send(Task(tenant_id, key))
        return True

    def _queued(self, tenant_id: str, place: Place, content: Content, by: str) -> KnownDocument:
        """Write the record of a content that is there, and have it indexed."""
        for _ in range(_ATTEMPTS):
            known = self._records.get(tenant_id, place.document_id)
            record = KnownDocument.new(place, content, by=by, now=self._now())
            if known is not None:
                # The worker may have seen the object first, which is then this very version.
                fresh = known.etag == content.etag and known.status != "deleting"
                record = known if fresh else known.anew(self._now(), content, by)
            if record is known or self._records.save(tenant_id, record):
                self._queue.send(Task(tenant_id, record.key))
                return record
        raise _busy(place.document_id)

    def _change(
        self, tenant_id: str, document_id: str, change: Callable[[KnownDocument], KnownDocument]
    ) -> KnownDocument:
        for _ in range(_ATTEMPTS):
            known = self.get(tenant_id, document_id)
            record = change(known)
            if record is known or self._records.save(tenant_id, record):
                self._queue.send(Task(tenant_id, record.key))
                return record
        raise _busy(document_id)


def _no_file(file_key: str) -> NotFound:
    return NotFound(f"There is no file {file_key}. Upload it with POST /api/storage/upload.")


def too_large(size: int) -> str:
    """Return what is said of a document of more than :data:`MAX_DOCUMENT_BYTES`."""
    return f"The document has {size:,} bytes; up to {MAX_DOCUMENT_BYTES:,} are read. Split it."


def _busy(document_id: str) -> Busy:
    return Busy(f"The document {document_id} changes again and again at this moment. Try again.", retry_after_s=1)
