"""Amazon S3 Vectors over HTTP: it refuses what the documented grammar and limits do not allow, and compares exactly.

See "Limitations and restrictions" and "Metadata filtering" in the S3 User Guide, and the API reference of S3 Vectors.
"""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from struct import pack, unpack
from typing import Any
from urllib.parse import unquote
from zlib import crc32

from tests.peers.http_service import Asked, HttpService, Reply

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_TAG = re.compile(r"[\w .:/=+@-]{0,256}")
_MEMBERS = {
    "CreateIndex": {"dataType", "dimension", "distanceMetric", "metadataConfiguration", "tags"},
    "GetIndex": set(),
    "DeleteIndex": set(),
    "ListIndexes": {"prefix", "maxResults", "nextToken"},
    "PutVectors": {"vectors"},
    "GetVectors": {"keys", "returnData", "returnMetadata"},
    "DeleteVectors": {"keys"},
    "ListVectors": {"maxResults", "nextToken", "segmentCount", "segmentIndex", "returnData", "returnMetadata"},
    "QueryVectors": {"topK", "queryVector", "filter", "returnMetadata", "returnDistance", "nextToken"},
}


class _Fault(Exception):
    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(message)
        self.code, self.status = code, status


@dataclass
class _Index:
    name: str
    dimension: int
    unfiltered: frozenset[str]
    tags: dict[str, str]
    vectors: dict[str, tuple[tuple[float, ...], dict[str, Any]]] = field(default_factory=dict)


class S3VectorsServer(HttpService):
    """The one vector bucket ``bucket`` of an account."""

    def __init__(self, bucket: str, *, page: int = 1_000) -> None:
        """Make the server.

        Args:
            bucket: The bucket's name.
            page: How many results a page has at most; the real ones end at 1 MB, too.
        """
        super().__init__()
        self.indexes: dict[str, _Index] = {}
        #: Codes and statuses of faults with which the next requests are answered; None lets one pass.
        self.faults: list[tuple[str, int] | None] = []
        self._bucket = bucket
        self._page = page
        self._one_at_a_time = threading.Lock()

    def clear(self) -> None:
        """Forget all."""
        self.indexes.clear()
        self.faults.clear()
        self.asked.clear()

    def answer(self, asked: Asked) -> Reply:
        """Do what a signed request asks for."""
        try:
            with self._one_at_a_time:
                if self.faults and (fault := self.faults.pop(0)):
                    raise _Fault(*fault, "as told by the test")
                if "/s3vectors/aws4_request" not in asked.headers.get("authorization", ""):
                    raise _Fault("AccessDeniedException", 403, "not signed for s3vectors")
                if asked.method == "GET" and asked.path.startswith("/tags/"):
                    return Reply({"tags": self._tagged(unquote(asked.path.removeprefix("/tags/"))).tags})
                operation = asked.path.strip("/")
                _check(asked.method == "POST" and operation in _MEMBERS, f"no operation {operation}")
                return Reply(self._operation(operation, asked))
        except _Fault as refusal:
            return Reply({"message": str(refusal)}, refusal.status, headers={"x-amzn-errortype": refusal.code})

    def _operation(self, operation: str, asked: Asked) -> Any:
        _check(len(asked.body) <= 20 * 1024**2, "a payload has at most 20 MiB")
        body = asked.json
        bucket_only = operation == "ListIndexes"
        known = _MEMBERS[operation] | {"vectorBucketName"} | (set() if bucket_only else {"indexName"})
        _check(body.keys() <= known, f"unknown members {body.keys() - known}")
        if body.get("vectorBucketName") != self._bucket:
            raise _Fault("NotFoundException", 404, "The specified vector bucket could not be found")
        if bucket_only:
            return self._list_indexes(body)
        _check(_NAME.fullmatch(body.get("indexName", "")) is not None, "the index's name is not valid")
        if operation == "CreateIndex":
            return self._create_index(body)
        index = self._index(body["indexName"])
        does: dict[str, Callable[[_Index, dict[str, Any]], Any]] = {
            "GetIndex": lambda index, _: {"index": self._described(index)},
            "DeleteIndex": lambda index, _: self.indexes.pop(index.name) and {},
            "PutVectors": _put,
            "GetVectors": _get,
            "DeleteVectors": _delete,
            "ListVectors": self._list_vectors,
            "QueryVectors": self._query,
        }
        return does[operation](index, body)

    def _create_index(self, body: dict[str, Any]) -> Any:
        if body["indexName"] in self.indexes:
            raise _Fault("ConflictException", 409, "An index with the specified name already exists")
        _check(body["dataType"] == "float32" and body["distanceMetric"] == "cosine", "this peer knows cosine alone")
        _check(1 <= body["dimension"] <= 4_096, "1 to 4,096 dimensions")
        keys = body.get("metadataConfiguration", {}).get("nonFilterableMetadataKeys", [])
        _check(len(keys) <= 10 and all(1 <= len(one) <= 63 for one in keys), "up to 10 keys that are not filterable")
        tags = body.get("tags", {})
        _check(all(_TAG.fullmatch(one) for pair in tags.items() for one in pair), "a tag is not valid")
        index = _Index(body["indexName"], body["dimension"], frozenset(keys), tags)
        self.indexes[index.name] = index
        return {"indexArn": self._arn(index.name)}

    def _list_indexes(self, body: dict[str, Any]) -> Any:
        names = sorted(name for name in self.indexes if name.startswith(body.get("prefix", "")))
        page, more = self._paged(names, body, most=500)
        return {"indexes": [self._described(self.indexes[name], short=True) for name in page], **more}

    def _list_vectors(self, index: _Index, body: dict[str, Any]) -> Any:
        count, segment = body.get("segmentCount", 1), body.get("segmentIndex", 0)
        _check(1 <= count <= 16 and 0 <= segment < count, "a segment of up to 16")
        keys = [key for key in sorted(index.vectors) if crc32(key.encode()) % count == segment]
        page, more = self._paged(keys, body, most=1_000)
        return {"vectors": [_shown(index, key, body) for key in page], **more}

    def _query(self, index: _Index, body: dict[str, Any]) -> Any:
        _check(1 <= body["topK"] <= 10_000, "topK")
        wanted = _vector(index, body["queryVector"])
        met = _filter(body["filter"], index.unfiltered) if "filter" in body else lambda metadata: True
        near = sorted(
            (1.0 - _cosine(wanted, vector), key) for key, (vector, metadata) in index.vectors.items() if met(metadata)
        )
        page, more = self._paged(near[: body["topK"]], body, most=100)
        shown = [_shown(index, key, body) | {"distance": distance} for distance, key in page]
        return {"vectors": shown, "distanceMetric": "cosine", **more}

    def _paged(self, found: Sequence[Any], body: Mapping[str, Any], *, most: int) -> tuple[Sequence[Any], Any]:
        size = min(body.get("maxResults", most), most, self._page)
        start = int(body.get("nextToken", 0))
        end = start + size
        return found[start:end], {"nextToken": str(end)} if end < len(found) else {}

    def _index(self, name: str) -> _Index:
        if name not in self.indexes:
            raise _Fault("NotFoundException", 404, "The specified index could not be found")
        return self.indexes[name]

    def _tagged(self, arn: str) -> _Index:
        return self._index(arn.removeprefix(self._arn("")))

    def _arn(self, index: str) -> str:
        return f"arn:aws:s3vectors:us-east-1:123456789012:bucket/{self._bucket}/index/{index}"

    def _described(self, index: _Index, *, short: bool = False) -> Any:
        said: dict[str, Any] = {
            "vectorBucketName": self._bucket,
            "indexName": index.name,
            "indexArn": self._arn(index.name),
        }
        said["creationTime"] = 1_700_000_000
        return (
            said if short else said | {"dataType": "float32", "dimension": index.dimension, "distanceMetric": "cosine"}
        )


def _put(index: _Index, body: dict[str, Any]) -> Any:
    _check(1 <= len(body["vectors"]) <= 500, "1 to 500 vectors a call")
    keys = [one["key"] for one in body["vectors"]]
    _check(len(set(keys)) == len(keys), "a key comes twice")
    fresh = {}
    for one in body["vectors"]:
        _check(one.keys() <= {"key", "data", "metadata"} and 1 <= len(one["key"]) <= 1_024, "a vector's members")
        metadata = one.get("metadata", {})
        _check_metadata(metadata, index.unfiltered)
        fresh[one["key"]] = (_vector(index, one["data"]), metadata)
    index.vectors |= fresh
    return {}


def _get(index: _Index, body: dict[str, Any]) -> Any:
    _check(1 <= len(body["keys"]) <= 100, "1 to 100 keys a call")
    return {"vectors": [_shown(index, key, body) for key in body["keys"] if key in index.vectors]}


def _delete(index: _Index, body: dict[str, Any]) -> Any:
    _check(1 <= len(body["keys"]) <= 500, "1 to 500 keys a call")
    for key in body["keys"]:
        index.vectors.pop(key, None)
    return {}


def _shown(index: _Index, key: str, body: Mapping[str, Any]) -> dict[str, Any]:
    vector, metadata = index.vectors[key]
    shown: dict[str, Any] = {"key": key}
    if body.get("returnData"):
        shown["data"] = {"float32": vector}
    if body.get("returnMetadata"):
        shown["metadata"] = metadata
    return shown


def _vector(index: _Index, data: Any) -> tuple[float, ...]:
    _check(isinstance(data, dict) and data.keys() == {"float32"}, "vectors are float32")
    numbers = data["float32"]
    _check(len(numbers) == index.dimension, f"the index takes {index.dimension} dimensions")
    vector = unpack(f"{len(numbers)}f", pack(f"{len(numbers)}f", *numbers))
    _check(all(map(math.isfinite, vector)) and any(vector), "a vector is zero or not finite")
    return vector


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return product / math.sqrt(sum(a * a for a in one) * sum(b * b for b in other))


def _check_metadata(metadata: dict[str, Any], unfiltered: frozenset[str]) -> None:
    _check(len(metadata) <= 50, "up to 50 keys")
    for value in metadata.values():
        _check(_primitive(value) or (isinstance(value, list) and all(map(_primitive, value))), "a value's type")
    filterable = {key: value for key, value in metadata.items() if key not in unfiltered}
    _check(len(json.dumps(filterable, ensure_ascii=False).encode()) <= 2_048, "up to 2 KB filterable metadata")
    _check(len(json.dumps(metadata, ensure_ascii=False).encode()) <= 40_960, "up to 40 KB metadata")


def _primitive(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _filter(said: Any, unfiltered: frozenset[str]) -> Callable[[Mapping[str, Any]], bool]:
    """Read a filter of the documented grammar."""
    _check(isinstance(said, dict) and bool(said), "a filter is an object with members")
    tests = [_member(name, wanted, unfiltered) for name, wanted in said.items()]
    return lambda metadata: all(test(metadata) for test in tests)


def _member(name: str, wanted: Any, unfiltered: frozenset[str]) -> Callable[[Mapping[str, Any]], bool]:
    if name in ("$and", "$or"):
        _check(isinstance(wanted, list) and bool(wanted), f"{name} takes filters")
        parts = [_filter(one, unfiltered) for one in wanted]
        decide = all if name == "$and" else any
        return lambda metadata: decide(part(metadata) for part in parts)
    _check(not name.startswith("$") and name not in unfiltered, f"{name} cannot be filtered")
    wanted = wanted if isinstance(wanted, dict) else {"$eq": wanted}
    tests = [_test(operator, value) for operator, value in wanted.items()]
    return lambda metadata: all(test(metadata.get(name)) for test in tests)


def _test(operator: str, wanted: Any) -> Callable[[Any], bool]:
    if operator == "$exists":
        _check(isinstance(wanted, bool), "$exists takes true or false")
        return lambda value: (value is not None) == wanted
    if operator in ("$in", "$nin"):
        _check(isinstance(wanted, list) and bool(wanted) and all(map(_primitive, wanted)), f"{operator} takes values")
        return lambda value: any(_equal(value, one) for one in wanted) == (operator == "$in")
    if operator in ("$eq", "$ne"):
        _check(_primitive(wanted), f"{operator} takes a value")
        return lambda value: _equal(value, wanted) == (operator == "$eq")
    compare = {"$gt": float.__gt__, "$gte": float.__ge__, "$lt": float.__lt__, "$lte": float.__le__}.get(operator)
    _check(compare is not None and _number(wanted), f"{operator} is not known, or takes a number")
    return lambda value: compare is not None and _number(value) and compare(float(value), float(wanted))


def _equal(value: Any, wanted: Any) -> bool:
    """A list is equal to what it holds."""
    if isinstance(value, list):
        return any(_equal(one, wanted) for one in value)
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise _Fault("ValidationException", 400, message)
