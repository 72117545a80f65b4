"""What is known of a document that agents know: the record, and where records, contents and messages live.

A document's content is an object ``<folder>/<path>`` of the tenant's knowledge, however it came there. The object is
the truth: the record is brought to agree with it, and the index with the record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict
from ulid import ULID

from smyth.connectors.knowledge.knowledge import KnowledgeError, namespace_of
from smyth.connectors.storage.port import Upload

DOCUMENT = "doc"
#: Who put an object into the bucket without this service is not known.
BY_BUCKET = "bucket"
_MAX_KEY_BYTES = 700

Status = Literal["queued", "parsing", "embedding", "ready", "failed", "deleting"]


@dataclass(frozen=True, slots=True)
class Content:
    """What lies in the bucket under a document's key."""

    etag: str
    size: int
    content_type: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document lies: its key in the tenant's knowledge, read."""

    key: str
    namespace: str
    name: str

    @property
    def document_id(self) -> str:
        """The document's id: the same for the same place, so that a new file there replaces the old one."""
        return f"{DOCUMENT}-{hashlib.sha256(self.key.encode()).hexdigest()[:26]}"


@dataclass(frozen=True, slots=True)
class Task:
    """A message: bring the index to agree with what lies at a key."""

    tenant_id: str
    key: str
    #: Also where the record says that it does, since a late writer may have been there.
    again: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as it travels."""
        return asdict(self)


class KnownDocument(BaseModel):
    """A document's record."""

    model_config = ConfigDict(frozen=True)

    id: str
    key: str
    namespace: str
    name: str
    size: int
    content_type: str
    etag: str
    status: Status = "queued"
    #: A ULID, another one for each content and each wish to index it anew; also its request in the ledger.
    version: str
    queued_at: datetime
    #: When its request was first let in; whoever goes on with the version finds the same one.
    admitted_at: datetime | None = None
    created_at: datetime
    created_by: str
    updated_at: datetime
    #: Pieces embedded, of how many.
    done: int = 0
    total: int = 0
    error: str = ""
    #: What searches see: the version, since when, in how many pieces.
    indexed_version: str = ""
    indexed_at: datetime | None = None
    chunks: int = 0
    #: The worker that has it, and until when it counts as alive.
    holder: str = ""
    held_until: datetime | None = None
    #: Changes with every write, so that no writer overwrites what it has not seen.
    revision: int = 1

    @classmethod
    def new(cls, place: Place, content: Content, *, by: str, now: datetime) -> KnownDocument:
        """Return the record of a document that nobody knew."""
        return cls(
            id=place.document_id,
            key=place.key,
            namespace=place.namespace,
            name=place.name,
            version=str(ULID()),
            queued_at=now,
            created_at=now,
            created_by=by,
            updated_at=now,
            **asdict(content),
        )

    def changed(self, now: datetime, **changes: Any) -> KnownDocument:
        """Return the record with changes, to be saved."""
        return self.model_copy(update={"updated_at": now, "revision": self.revision + 1} | changes)

    def anew(self, now: datetime, content: Content | None = None, by: str = "") -> KnownDocument:
        """Return the record of the next version, which nobody works on yet."""
        return self.changed(
            now,
            **(asdict(content) if content else {}),
            **({"created_by": by} if by else {}),
            **_FREE,
            status="queued",
            version=str(ULID()),
            queued_at=now,
            admitted_at=None,
            done=0,
            total=0,
            error="",
        )

    def going(self, now: datetime) -> KnownDocument:
        """Return the record of a document that is to go."""
        return self.changed(now, **_FREE, status="deleting", version=str(ULID()), error="")

    def held(self, holder: str, until: datetime, now: datetime, **changes: Any) -> KnownDocument:
        """Return the record in the hands of a worker."""
        return self.changed(now, holder=holder, held_until=until, **changes)

    def let_go(self, now: datetime, **changes: Any) -> KnownDocument:
        """Return the record that no worker has any more."""
        return self.changed(now, **_FREE, **changes)

    def is_held(self, now: datetime) -> bool:
        """Tell whether a worker is at it."""
        return self.held_until is not None and self.held_until > now


_FREE: dict[str, Any] = {"holder": "", "held_until": None}


def read_place(tenant_id: str, key: str) -> Place | None:
    """Return what a key in the tenant's knowledge stands for: ``<folder>/<path>``; None where it is no document.

    The folder names the namespace; spaces and capitals fold as the components fold them.
    """
    folder, _, path = key.partition("/")
    if not path or path.endswith("/") or len(key.encode()) > _MAX_KEY_BYTES:
        return None
    try:
        return Place(key, namespace_of(tenant_id, folder), path)
    except KnowledgeError:
        return None


class KnowledgeRecords(Protocol):
    """Where records live."""

    def get(self, tenant_id: str, document_id: str) -> KnownDocument | None:
        """Return a record as written last, or None."""
        ...

    def by_id(self, tenant_id: str, after: str = "") -> Iterable[KnownDocument]:
        """Yield the tenant's records behind the id ``after``."""
        ...

    def save(self, tenant_id: str, record: KnownDocument) -> bool:
        """Write a record in the place of the revision before it, or a first one; False when others were quicker."""
        ...

    def remove(self, tenant_id: str, record: KnownDocument) -> bool:
        """Delete a record; False when it has changed since."""
        ...


class Contents(Protocol):
    """Where documents' contents lie, and what is worked out of them."""

    def find(self, tenant_id: str, key: str) -> Content | None:
        """Tell of a content, or None where there is none."""
        ...

    def read(self, tenant_id: str, key: str, etag: str) -> bytes | None:
        """Return a content, or None where it is gone or another one by now."""
        ...

    def put(self, tenant_id: str, key: str, content: bytes, content_type: str) -> Content:
        """Write a content."""
        ...

    def copy_file(self, tenant_id: str, file_key: str, key: str, content_type: str) -> Content | None:
        """Make an uploaded file a document's content; None where one of them is deleted meanwhile."""
        ...

    def upload(self, tenant_id: str, key: str, size: int, content_type: str) -> Upload:
        """Return how to upload a content of exactly this size and type, for a limited time."""
        ...

    def delete(self, tenant_id: str, key: str) -> None:
        """Delete a content; one that is not there is no error."""
        ...

    def kept(self, tenant_id: str, document_id: str, name: str) -> bytes | None:
        """Return what was kept for the rest of the work, or None."""
        ...

    def keep(self, tenant_id: str, document_id: str, name: str, data: bytes) -> None:
        """Keep something for the rest of the work."""
        ...

    def clear(self, tenant_id: str, document_id: str) -> None:
        """Delete what was kept."""
        ...


class TaskQueue(Protocol):
    """Where messages wait for the worker."""

    def send(self, task: Task, delay_s: int = 0) -> None:
        """Add a message, which is delivered after ``delay_s`` seconds, at least once.

        Raises:
            smyth.platform.errors.Busy: The queue did not take it.
        """
        ...
