"""Vectors in the bucket: segments that never change, and one manifest that names those which count.

``t/<tenant>/vectors/<namespace>/manifest.json`` is replaced only by a write with
a condition on what was read (S3 ``If-Match``), so a namespace is always as one
writer left it, whatever crashes and however many write. Segments never share a
key, so whoever took one out of the manifest may delete it.
"""

from __future__ import annotations

import logging
import random
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError
from pydantic import BaseModel

from smyth.aws.bucket import Bucket
from smyth.aws.vector_files import SegmentFiles
from smyth.connectors.vectors.exact import Index, check_dimensions, no_words, tail_to_merge
from smyth.connectors.vectors.port import Hit, NamespaceFull, Stats, TooManyWriters, VectorItem
from smyth.connectors.vectors.segments import Segment

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

logger = logging.getLogger(__name__)

#: A namespace is searched in the memory of a function of 1,024 MB and merged there too.
MAX_NAMESPACE_BYTES = 192 * 1024 * 1024
_MANIFEST = "manifest.json"
_MOST_SEGMENTS = 4
#: What a warm function keeps of the namespaces that it has searched, counted as they are stored; it takes up to twice
#: as much in memory.
_CACHE_BYTES = 192 * 1024 * 1024
_CONFLICTS = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"}


class _Entry(BaseModel):
    """A segment that counts."""

    name: str
    items: int
    dimensions: int
    size: int


class _Manifest(BaseModel):
    """What a namespace consists of, oldest segment first."""

    v: int = 1
    segments: list[_Entry] = []
    #: The namespace was deleted, and nothing was written since.
    deleted: bool = False


#: What a changed manifest is made of: segments that it keeps, and new ones.
_Parts = list[_Entry | Segment]


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A namespace in memory: the segments of one manifest, ready to search."""

    entries: list[_Entry]
    index: Index

    @property
    def size(self) -> int:
        return sum(entry.size for entry in self.entries)


class BucketVectors:
    """A :class:`~smyth.connectors.vectors.port.VectorStore` in an S3 bucket."""

    def __init__(self, bucket: Bucket, *, patience_s: float = 10.0) -> None:
        """Make a store.

        Args:
            bucket: Where the vectors lie.
            patience_s: How long a writer tries while others are quicker.
        """
        self._s3 = bucket.client
        self._bucket = bucket.name
        self._patience_s = patience_s
        self._files = SegmentFiles(bucket)
        self._loaded: OrderedDict[str, _Loaded] = OrderedDict()

    def upsert(self, tenant_id: str, namespace: str, items: Sequence[VectorItem]) -> int:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.upsert`."""
        if not items:
            return 0
        folder = _folder(tenant_id, namespace)
        segment = Segment.of(items)

        def append(manifest: _Manifest) -> _Parts:
            _check_fits(manifest.segments, segment)
            return [*manifest.segments, segment]

        self._merge_tail(folder, self._change(folder, append, self._patience_s))
        return len(segment.ids)

    def replace(self, tenant_id: str, namespace: str, filter: dict[str, Any], items: Sequence[VectorItem]) -> int:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.replace`."""
        return self._exchange(_folder(tenant_id, namespace), lambda index: index.ids_where(filter), items)

    def _exchange(self, folder: str, old: Callable[[Index], set[str]], items: Sequence[VectorItem]) -> int:
        """Write items in the place of the ``old`` ones; return how many went."""
        fresh = [Segment.of(items)] if items else []
        gone: set[str] = set()

        def exchange(manifest: _Manifest) -> _Parts:
            nonlocal gone
            index = self._load(folder, manifest.segments)
            gone = old(index)
            kept = _without(gone, manifest.segments, index)
            for segment in fresh:
                _check_fits(kept, segment)
            return [*kept, *fresh]

        self._merge_tail(folder, self._change(folder, exchange, self._patience_s))
        return len(gone)

    def exists(self, tenant_id: str, namespace: str) -> bool:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.exists`."""
        manifest, etag = self._read(_folder(tenant_id, namespace))
        return etag is not None and not manifest.deleted

    def search(
        self,
        tenant_id: str,
        namespace: str,
        vector: Sequence[float],
        top_k: int,
        filter: dict[str, Any] | None = None,
        *,
        text: str | None = None,
    ) -> list[Hit]:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.search`."""
        no_words(text)
        return self._index(_folder(tenant_id, namespace)).search(vector, top_k, filter)

    def delete(self, tenant_id: str, namespace: str) -> int:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.delete`."""
        folder = _folder(tenant_id, namespace)
        gone = 0

        def remove(manifest: _Manifest) -> _Parts:
            nonlocal gone
            index = self._load(folder, manifest.segments)
            gone = len(index)
            return []

        self._change(folder, remove, self._patience_s, deletes=True)
        return gone

    def delete_items(self, tenant_id: str, namespace: str, ids: Collection[str]) -> int:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.delete_items`."""
        wanted = set(ids)
        return self._exchange(_folder(tenant_id, namespace), lambda index: wanted & index.ids(), ())

    def delete_where(self, tenant_id: str, namespace: str, filter: dict[str, Any]) -> int:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.delete_where`."""
        return self.replace(tenant_id, namespace, filter, ())

    def namespaces(self, tenant_id: str, *, after: str = "", limit: int | None = None) -> list[str]:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.namespaces`."""
        start = f"t/{tenant_id}/vectors/"
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=start, Delimiter="/")
        folders = [one["Prefix"] for page in pages for one in page.get("CommonPrefixes", [])]
        # Folders come in another order than names: "a-b/" stands before "a/".
        names = sorted(folder.removeprefix(start).rstrip("/") for folder in folders)
        there = (name for name in names if name > after and self.exists(tenant_id, name))
        return list(islice(there, limit))

    def stats(self, tenant_id: str, namespace: str) -> Stats | None:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.stats`."""
        folder = _folder(tenant_id, namespace)
        manifest, etag = self._read(folder)
        if etag is None or manifest.deleted:
            return None
        if not manifest.segments:
            return Stats(0, None, 0)
        size = sum(entry.size for entry in manifest.segments)
        return Stats(len(self._index(folder)), manifest.segments[0].dimensions, size)

    def _change(
        self, folder: str, change: Callable[[_Manifest], _Parts], patience_s: float, *, deletes: bool = False
    ) -> _Manifest:
        """Put what ``change`` makes of the manifest in its place, and delete what no manifest names any more.

        Raises:
            TooManyWriters: Others were quicker for ``patience_s``.
        """
        deadline: float | None = None
        written: list[_Entry] = []
        while True:
            manifest, etag = self._read(folder)
            if any(entry in manifest.segments for entry in written):
                # The write had come through, only its answer was lost and S3 was asked again.
                return manifest
            try:
                if deadline is not None and time.monotonic() > deadline:
                    raise TooManyWriters("Many writers change this namespace at once. Nothing was written; try again.")
                parts = change(manifest)
            except (ValueError, TooManyWriters):
                self._delete_segments(folder, written)
                raise
            except self._s3.exceptions.NoSuchKey:
                if self._read(folder)[0] == manifest:
                    raise
                continue  # The segment was merged away after the manifest was read.
            deadline = deadline or time.monotonic() + patience_s
            # A new segment gets a new name for each attempt: the old one may have come, been merged, and gone.
            entries = [self._put_segment(folder, part) if isinstance(part, Segment) else part for part in parts]
            written += [entry for entry in entries if entry not in manifest.segments]
            # A namespace that nobody wrote to does not come to be by deleting it.
            wanted = _Manifest(
                segments=entries, deleted=etag is not None and (deletes or (manifest.deleted and not entries))
            )
            if wanted == manifest or self._write(folder, wanted, etag):
                self._delete_segments(folder, [old for old in [*manifest.segments, *written] if old not in entries])
                return wanted
            time.sleep(random.uniform(0.0, 0.05))  # noqa: S311 - spreads writers, guards nothing

    def _merge_tail(self, folder: str, manifest: _Manifest) -> None:
        """Keep segments few; where another writer is quicker, the next one merges."""

        def merge(manifest: _Manifest) -> _Parts:
            count = tail_to_merge([entry.items for entry in manifest.segments], _MOST_SEGMENTS)
            if not count:
                return [*manifest.segments]
            tail = [self._get_segment(folder, entry) for entry in manifest.segments[-count:]]
            return [*manifest.segments[:-count], Index(tail).merged()]

        if len(manifest.segments) > _MOST_SEGMENTS:
            try:
                self._change(folder, merge, 0.0)
            except (TooManyWriters, ClientError) as error:
                logger.info("Left %s unmerged: %s", folder, error)

    def _index(self, folder: str) -> Index:
        """Return what a search sees now."""
        while True:
            manifest, _ = self._read(folder)
            try:
                return self._load(folder, manifest.segments)
            except self._s3.exceptions.NoSuchKey:
                if self._read(folder)[0] == manifest:
                    raise

    def _load(self, folder: str, entries: list[_Entry]) -> Index:
        """Return the index of these segments, fetching only those that are not in memory."""
        loaded = self._loaded.pop(folder, _Loaded([], Index([])))
        if loaded.entries != entries:
            needed = sum(entry.size for entry in entries)
            while self._loaded and needed + sum(other.size for other in self._loaded.values()) > _CACHE_BYTES:
                self._loaded.popitem(last=False)
            known = {entry.name: segment for entry, segment in zip(loaded.entries, loaded.index.segments, strict=True)}
            segments = [known.get(entry.name) or self._get_segment(folder, entry) for entry in entries]
            loaded = _Loaded(entries, Index(segments))
        self._loaded[folder] = loaded
        return loaded.index

    def _read(self, folder: str) -> tuple[_Manifest, str | None]:
        """Return the manifest and its version; a namespace nobody wrote to has an empty one and no version."""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=folder + _MANIFEST)
        except self._s3.exceptions.NoSuchKey:
            return _Manifest(), None
        return _Manifest.model_validate_json(answer["Body"].read()), answer["ETag"]

    def _write(self, folder: str, manifest: _Manifest, etag: str | None) -> bool:
        """Put the manifest in the place of the one that was read; tell whether it was still there."""
        body = manifest.model_dump_json().encode()
        condition: dict[str, Any] = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        try:
            self._s3.put_object(
                Bucket=self._bucket, Key=folder + _MANIFEST, Body=body, ContentType="application/json", **condition
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _CONFLICTS:
                return False
            raise
        return True

    def _put_segment(self, folder: str, segment: Segment) -> _Entry:
        data = segment.pack()
        name = uuid4().hex
        self._s3.put_object(Bucket=self._bucket, Key=f"{folder}segments/{name}", Body=data)
        return _Entry(name=name, items=len(segment.ids), dimensions=segment.dimensions, size=len(data))

    def _get_segment(self, folder: str, entry: _Entry) -> Segment:
        return Segment.unpack(self._files.read(f"{folder}segments/{entry.name}", entry.size))

    def _delete_segments(self, folder: str, entries: Iterable[_Entry]) -> None:
        """Delete segments that no manifest names; one that stays behind costs a little and harms nothing."""
        objects: list[ObjectIdentifierTypeDef] = [{"Key": f"{folder}segments/{entry.name}"} for entry in entries]
        if not objects:
            return
        try:
            self._s3.delete_objects(Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True})
        except ClientError as error:
            logger.warning("Could not delete %d unused segments of %s: %s", len(objects), folder, error)


def _folder(tenant_id: str, namespace: str) -> str:
    return f"t/{tenant_id}/vectors/{namespace}/"


def _without(ids: set[str], entries: list[_Entry], index: Index) -> _Parts:
    """Return the parts of a namespace that lacks some items; segments that have none of them stay as they are."""
    pairs = zip(entries, index.segments, strict=True)
    parts = [entry if ids.isdisjoint(segment.ids) else segment.without(ids) for entry, segment in pairs]
    return [part for part in parts if isinstance(part, _Entry) or part.ids]


def _check_fits(parts: Sequence[_Entry | Segment], segment: Segment) -> None:
    """Refuse what the namespace cannot take.

    Raises:
        DimensionMismatch: The namespace's vectors have another length.
        NamespaceFull: There is no room.
    """
    for part in parts[:1]:
        check_dimensions(segment.dimensions, part.dimensions)
    if sum(part.size for part in parts) + segment.size > MAX_NAMESPACE_BYTES:
        raise NamespaceFull(
            f"A namespace holds at most {MAX_NAMESPACE_BYTES // 1024**2} MiB, and this one is full. "
            "Spread the items over several namespaces."
        )
