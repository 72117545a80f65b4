"""What answers tell of documents that agents know."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from smyth.platform.knowledge_records import KnownDocument, Status
from smyth.platform.times import rfc3339


class Progress(BaseModel):
    """How many pieces are embedded, of how many."""

    done: int
    total: int


class Indexed(BaseModel):
    """What searches see of a document."""

    version: str
    at: str
    chunks: int


class Document(BaseModel):
    """A document; ``indexed`` is what searches see, which may be an earlier version than ``version``."""

    id: str
    namespace: str
    name: str
    size: int
    content_type: str
    etag: str
    status: Status
    version: str
    progress: Progress
    error: str | None
    indexed: Indexed | None
    created_at: str
    created_by: str
    queued_at: str
    updated_at: str


class DocumentUpload(BaseModel):
    """What to send, and where, so that the document's content is there."""

    url: str
    method: str
    headers: dict[str, str]


class AddedDocument(BaseModel):
    """A document that was added; with ``upload`` its content is still to come, and then it is indexed."""

    id: str
    namespace: str
    name: str
    status: Status | Literal["pending"]
    version: str | None = None
    upload: DocumentUpload | None = None


class Origin(BaseModel):
    """Where a hit stands; of a text that an agent stored, ``document_id`` is the id the agent gave it."""

    document_id: str
    name: str
    page: int | None
    section: str


class KnowledgeHit(BaseModel):
    """A piece that was found; ``score`` is the cosine similarity, higher is nearer."""

    text: str | None
    score: float
    source: Origin


class KnowledgeHits(BaseModel):
    """The nearest pieces, best first."""

    hits: list[KnowledgeHit]


def document(record: KnownDocument) -> dict[str, Any]:
    """Return a record as it is shown."""
    indexed = None
    if record.indexed_at is not None:
        indexed = {"version": record.indexed_version, "at": rfc3339(record.indexed_at), "chunks": record.chunks}
    shown = {"id", "namespace", "name", "size", "content_type", "etag", "status", "version", "created_by"}
    return record.model_dump(include=shown) | {
        "progress": {"done": record.done, "total": record.total},
        "error": record.error or None,
        "indexed": indexed,
        "created_at": rfc3339(record.created_at),
        "queued_at": rfc3339(record.queued_at),
        "updated_at": rfc3339(record.updated_at),
    }
