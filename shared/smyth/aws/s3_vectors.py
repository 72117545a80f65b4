"""Vectors in Amazon S3 Vectors: an index for each namespace of a tenant.

An index is named ``<tenant>.<hash of the namespace>``, as names of namespaces may be
longer than those of indexes; the tag ``smyth:namespace`` tells the name. S3 Vectors
neither counts nor finds by metadata alone: both read the whole index, in parallel parts
(``ListVectors``), which sees every write before it. A write of more than one call is
seen call by call.
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from hashlib import sha256
from typing import Any

from botocore.exceptions import ClientError

from smyth.aws.clients import data_config, make_client
from smyth.aws.s3_vector_items import ITEM, Record, filter_of, hit, metadata_of, record
from smyth.connectors.vectors.exact import check_dimensions, no_words
from smyth.connectors.vectors.filters import Condition, matches, parse
from smyth.connectors.vectors.port import Hit, NamespaceFull, NotReady, Stats, TooManyWriters, VectorItem
from smyth.connectors.vectors.segments import latest, unit

_TIMEOUT_S = 20
_NAMESPACE_TAG = "smyth:namespace"
#: S3 Vectors' limits of a call; a request may have 20 MiB.
_MOST_WRITTEN, _MOST_BYTES, _MOST_LISTED, _MOST_GOT = 500, 16 * 1024 * 1024, 1_000, 100
#: A long index is read in so many parts at once.
_PARTS = 8
_BUSY = {"TooManyRequestsException", "ServiceUnavailableException"}


class S3Vectors:
    """A :class:`~smyth.connectors.vectors.port.VectorStore` in a vector bucket of Amazon S3."""

    def __init__(self, bucket: str, client: Any = None) -> None:
        """Make a store.

        Args:
            bucket: The name of the vector bucket.
            client: boto3's client, where it is another than that of the environment.
        """
        self._bucket = bucket
        self._given = client
        #: Index -> namespace, as far as they were asked for.
        self._names: dict[str, str] = {}

    @cached_property
    def _client(self) -> Any:
        return self._given or make_client("s3vectors", data_config(_TIMEOUT_S))

    def upsert(self, tenant_id: str, namespace: str, items: Sequence[VectorItem]) -> int:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.upsert`."""
        if not items:
            return 0
        records = _records(items)
        self._write(tenant_id, namespace, records)
        return len(records)

    def replace(self, tenant_id: str, namespace: str, filter: dict[str, Any], items: Sequence[VectorItem]) -> int:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.replace`: first the new ones come, then the old ones go.

        A replacement that was cut off in between is whole once it is done again.
        """
        condition = parse(filter)
        records = _records(items) if items else []
        index = _index_name(tenant_id, namespace)
        old = self._ids(index, condition)
        if records:
            self._write(tenant_id, namespace, records)
        new = {record.vector["key"] for record in records}
        self._remove(index, [item_id for item_id in old if item_id not in new])
        return len(old)

    def exists(self, tenant_id: str, namespace: str) -> bool:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.exists`."""
        return self._dimensions(_index_name(tenant_id, namespace)) is not None

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
        index, where = _index_name(tenant_id, namespace), filter_of(parse(filter))
        asked: dict[str, Any] = {"topK": top_k, "queryVector": {"float32": unit([vector])[0].tolist()}}
        if where is not None:
            asked["filter"] = where
        asked |= {"returnDistance": True, "returnMetadata": True}
        try:
            found = [hit(one) for one in self._pages("query_vectors", "vectors", indexName=index, **asked)]
        except self._client.exceptions.NotFoundException:
            return []
        except self._client.exceptions.ValidationException:
            check_dimensions(len(vector), self._dimensions(index) or len(vector))
            raise
        return sorted(found, key=lambda one: (-one.score, one.id))[:top_k]

    def delete(self, tenant_id: str, namespace: str) -> int:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.delete`."""
        index = _index_name(tenant_id, namespace)
        try:
            gone = len(self._ids(index))
            self._call("delete_index", indexName=index)
        except self._client.exceptions.NotFoundException:
            return 0
        return gone

    def delete_items(self, tenant_id: str, namespace: str, ids: Collection[str]) -> int:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.delete_items`."""
        index, wanted = _index_name(tenant_id, namespace), list(dict.fromkeys(ids))
        found: list[str] = []
        try:
            for start in range(0, len(wanted), _MOST_GOT):
                got = self._call("get_vectors", indexName=index, keys=wanted[start : start + _MOST_GOT])
                found += [one["key"] for one in got["vectors"]]
        except self._client.exceptions.NotFoundException:
            return 0
        self._remove(index, found)
        return len(found)

    def delete_where(self, tenant_id: str, namespace: str, filter: dict[str, Any]) -> int:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.delete_where`."""
        return self.replace(tenant_id, namespace, filter, ())

    def namespaces(self, tenant_id: str, *, after: str = "", limit: int | None = None) -> list[str]:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.namespaces`."""
        found = list(self._pages("list_indexes", "indexes", prefix=f"{tenant_id}."))
        with ThreadPoolExecutor(_PARTS) as pool:
            names = sorted(name for name in pool.map(self._namespace, found) if name is not None and name > after)
        return names[:limit]

    def stats(self, tenant_id: str, namespace: str) -> Stats | None:
        """See :meth:`smyth.connectors.vectors.port.VectorStore.stats`; an emptied namespace keeps its dimensions."""
        index = _index_name(tenant_id, namespace)
        dimensions = self._dimensions(index)
        if dimensions is None:
            return None
        return Stats(len(self._ids(index)), dimensions)

    def _namespace(self, index: dict[str, Any]) -> str | None:
        """Return whose index this is, which never changes; None where it was deleted after it was listed."""
        name = index["indexName"]
        if name not in self._names:
            try:
                tags = self._client.list_tags_for_resource(resourceArn=index["indexArn"])["tags"]
            except self._client.exceptions.NotFoundException:
                return None
            self._names[name] = tags[_NAMESPACE_TAG]
        return self._names[name]

    def _write(self, tenant_id: str, namespace: str, records: Sequence[Record]) -> None:
        index = _index_name(tenant_id, namespace)
        self._prepare(index, namespace, len(records[0].vector["data"]["float32"]))
        for batch in _batches(records):
            try:
                self._call("put_vectors", indexName=index, vectors=batch)
            except self._client.exceptions.NotFoundException as error:
                raise _deleted_meanwhile() from error

    def _prepare(self, index: str, namespace: str, dimensions: int) -> None:
        """Make the index where it is not there; else see that it takes vectors of this length."""
        known = self._dimensions(index)
        if known is None:
            try:
                self._call(
                    "create_index",
                    indexName=index,
                    dataType="float32",
                    dimension=dimensions,
                    distanceMetric="cosine",
                    metadataConfiguration={"nonFilterableMetadataKeys": [ITEM]},
                    tags={_NAMESPACE_TAG: namespace},
                )
                return
            except self._client.exceptions.ConflictException as error:
                known = self._dimensions(index)  # Another writer was quicker.
                if known is None:
                    raise _deleted_meanwhile() from error
        check_dimensions(dimensions, known)

    def _dimensions(self, index: str) -> int | None:
        """Return the length of the index's vectors; None where there is no such index."""
        try:
            return int(self._call("get_index", indexName=index)["index"]["dimension"])
        except self._client.exceptions.NotFoundException:
            return None

    def _ids(self, index: str, condition: Condition | None = None) -> list[str]:
        """Return the ids of all items of an index, or of those that meet a condition; none where there is no index."""
        asked: dict[str, Any] = {"indexName": index, "maxResults": _MOST_LISTED}
        if condition is not None:
            asked["returnMetadata"] = True

        def meeting(found: Iterable[dict[str, Any]]) -> list[str]:
            return [one["key"] for one in found if condition is None or matches(condition, metadata_of(one))]

        def part(number: int) -> list[str]:
            share = {"segmentCount": _PARTS, "segmentIndex": number}
            return meeting(self._pages("list_vectors", "vectors", **asked, **share))

        try:
            first = self._call("list_vectors", **asked)
            if not first.get("nextToken"):
                return meeting(first["vectors"])
            with ThreadPoolExecutor(_PARTS) as pool:
                return [item_id for ids in pool.map(part, range(_PARTS)) for item_id in ids]
        except self._client.exceptions.NotFoundException:
            return []

    def _remove(self, index: str, ids: Sequence[str]) -> None:
        try:
            for start in range(0, len(ids), _MOST_WRITTEN):
                self._call("delete_vectors", indexName=index, keys=list(ids[start : start + _MOST_WRITTEN]))
        except self._client.exceptions.NotFoundException:
            return  # The whole namespace was deleted meanwhile.

    def _pages(self, operation: str, member: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        while True:
            page = self._call(operation, **arguments)
            yield from page[member]
            if not page.get("nextToken"):
                return
            arguments["nextToken"] = page["nextToken"]

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Call S3 Vectors about the bucket; boto3 tries again what was throttled.

        Raises:
            NotReady: It was throttled all the time.
            NamespaceFull: The bucket takes no further index, or the index no further vector.
        """
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(vectorBucketName=self._bucket, **arguments)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _BUSY:
                raise NotReady("S3 Vectors takes no more requests just now. Try again.", retry_after_s=2) from error
            if code == "ServiceQuotaExceededException":
                raise NamespaceFull(
                    "S3 Vectors has no room for this: a stack may have 10,000 namespaces. Delete some that are unused."
                ) from error
            raise
        return answer


def _records(items: Sequence[VectorItem]) -> list[Record]:
    """Return what to send for the items, each id once.

    Raises:
        DimensionMismatch: The vectors differ in length.
        ItemTooLarge: S3 Vectors does not take so much.
        ValueError: A vector has no direction.
    """
    last = latest(items)
    vectors = unit([item.vector for item in last]).tolist()
    return [record(item, vector) for item, vector in zip(last, vectors, strict=True)]


def _batches(records: Iterable[Record]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    size = 0
    for one in records:
        if batch and (len(batch) == _MOST_WRITTEN or size + one.size > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(one.vector)
        size += one.size
    yield batch


def _index_name(tenant_id: str, namespace: str) -> str:
    digest = b32encode(sha256(namespace.encode()).digest()[:20]).decode().lower()
    return f"{tenant_id}.{digest}"


def _deleted_meanwhile() -> TooManyWriters:
    return TooManyWriters("The namespace was deleted while it was written to. Try again.")
