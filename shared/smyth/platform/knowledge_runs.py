"""One version of a document: read, cut, embedded and stored, so that whoever is ended halfway loses little.

The pieces and each batch of vectors are kept under names made of what they were made from, and what a batch cost lies
with it. The next worker takes up what is there, so the sum it bills is the same whoever comes to the end.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from array import array
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from smyth.connectors.documents.chunks import Chunk, chunks
from smyth.connectors.documents.document import DocumentRefused
from smyth.connectors.documents.reader import parse
from smyth.connectors.knowledge.documents import pieces_of
from smyth.connectors.models.port import Usage
from smyth.platform.knowledge import MAX_DOCUMENT_BYTES, too_large
from smyth.platform.knowledge_records import Contents, KnownDocument

if TYPE_CHECKING:
    from smyth.connectors.knowledge.knowledge import Knowledge

#: Another one when documents are cut otherwise than before.
_CUT = "1"
_BATCH = 64
_MAX_CHUNKS = 20_000


class Overtaken(Exception):
    """The document has changed under the worker, or another worker has it: nothing of this run counts."""


class OutOfTime(Exception):
    """The worker's time ends; the next one goes on where it was."""


@dataclass(slots=True)
class Spent:
    """What the embedding model used for a version."""

    usage: list[Usage] = field(default_factory=list)


#: Writes the record with changes while the worker has it.
#:
#: Raises:
#:     Overtaken: Somebody else has written it.
Progress = Callable[..., KnownDocument]


class VersionRun:
    """The work on one version of one document."""

    def __init__(
        self,
        tenant_id: str,
        record: KnownDocument,
        contents: Contents,
        knowledge: Knowledge,
        *,
        model: str,
        progress: Progress,
        in_time: Callable[[], bool],
    ) -> None:
        """Take what the work needs.

        Args:
            tenant_id: Whose document it is.
            record: Its record, held by this worker.
            contents: Where its content is, and what is kept.
            knowledge: Where its pieces go.
            model: What names the embedding model: another one makes other vectors.
            progress: Writes the record; raises :class:`Overtaken`.
            in_time: Whether there is time for another step.
        """
        self._tenant_id = tenant_id
        self._record = record
        self._contents = contents
        self._knowledge = knowledge
        self._model = model
        self._progress = progress
        self._in_time = in_time

    async def index(self, spent: Spent, note: Callable[[], None]) -> int:
        """Bring the version into the index; return how many pieces it has.

        Args:
            spent: Is told what the embedding model used, batch by batch.
            note: Is called when it was, before anything can be found.

        Raises:
            Overtaken: Nothing of this run counts.
            OutOfTime: It is not finished.
            DocumentRefused: The document cannot be read.
            ModelError: The embedding model failed.
            KnowledgeError: No embedding model is configured.
            NamespaceFull: There is no room in the namespace.
            TooManyWriters: The write did not get through.
            DimensionMismatch: The namespace was filled with another embedding model.
        """
        cut = await self._chunks()
        vectors: list[array[float]] = []
        for start in range(0, len(cut), _BATCH):
            if not self._in_time():
                raise OutOfTime
            batch = cut[start : start + _BATCH]
            made, used, fresh = await self._batch([chunk.to_embed for chunk in batch])
            vectors += made
            spent.usage += used
            if fresh:
                note()
                self._progress(status="embedding", done=len(vectors), total=len(cut))
        note()
        # The last look before the index is written: is this still the version that is wanted?
        self._progress(status="embedding", done=len(cut), total=len(cut))
        record = self._record
        await self._knowledge.put(self._tenant_id, record.namespace, record.id, pieces_of(record.name, cut, vectors))
        return len(cut)

    async def _chunks(self) -> list[Chunk]:
        """Return the document's pieces: those that were kept, or what reading it gives."""
        record = self._record
        if record.size > MAX_DOCUMENT_BYTES:  # Whoever puts it into the bucket is not asked for its size.
            raise DocumentRefused("too_large", too_large(record.size))
        name = f"{_digest(_CUT, record.etag, record.name, record.content_type)}.chunks"
        kept = await asyncio.to_thread(self._contents.kept, self._tenant_id, record.id, name)
        if kept is not None:
            return [Chunk(**chunk) for chunk in json.loads(kept)]
        self._progress(status="parsing", done=0, total=0)
        content = await asyncio.to_thread(self._contents.read, self._tenant_id, record.key, record.etag)
        if content is None:
            raise Overtaken
        cut = chunks(await asyncio.to_thread(parse, content, record.name, record.content_type or None))
        if len(cut) > _MAX_CHUNKS:
            raise DocumentRefused(
                "too_large", f"The document has {len(cut):,} pieces; {_MAX_CHUNKS:,} are indexed. Split it."
            )
        data = json.dumps([asdict(chunk) for chunk in cut], ensure_ascii=False).encode("utf-8", "replace")
        await asyncio.to_thread(self._contents.keep, self._tenant_id, record.id, name, data)
        return cut

    async def _batch(self, texts: Sequence[str]) -> tuple[list[array[float]], list[Usage], bool]:
        """Return the vectors of some pieces and what they cost, and whether they were made only now."""
        name = f"{_digest(self._model, *texts)}.vectors"
        kept = await asyncio.to_thread(self._contents.kept, self._tenant_id, self._record.id, name)
        fresh = kept is None
        if kept is None:
            made = await self._knowledge.embed(self._tenant_id, texts)
            kept = _pack(made.vectors, made.usage)
            await asyncio.to_thread(self._contents.keep, self._tenant_id, self._record.id, name, kept)
        # Read back even when just made, so that a version has the same vectors whoever ends it.
        return *_unpack(kept), fresh


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def _pack(vectors: Sequence[Sequence[float]], usage: Sequence[Usage]) -> bytes:
    packed = [base64.b64encode(array("f", vector).tobytes()).decode() for vector in vectors]
    return json.dumps({"vectors": packed, "usage": [asdict(one) for one in usage]}).encode()


def _unpack(data: bytes) -> tuple[list[array[float]], list[Usage]]:
    read: dict[str, Any] = json.loads(data)
    vectors = [array("f", base64.b64decode(vector)) for vector in read["vectors"]]
    return vectors, [Usage(**one) for one in read["usage"]]
