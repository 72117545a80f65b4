"""What an item is to OpenSearch, and what a filter is.

Metadata lies beside the vector as one JSON text, which nothing searches. For filters each member is there again: a
token of its name and value in ``tokens``, its name in ``members``, and a number as a nested document in ``numbers``. So
any metadata fits one mapping, and two values are equal here if, and only if, they are equal in the other adapters.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from smyth.connectors.vectors.filters import RANGES, Condition, Test, comparable, is_number
from smyth.connectors.vectors.port import Hit, VectorItem

Query = dict[str, Any]

#: What a search needs to know of a document; ``vector`` is asked for where the score is to be worked out here.
SHOWN = ("item", "stamp", "text", "metadata")


def index_body(tenant_id: str, namespace: str, dimensions: int) -> dict[str, Any]:
    """Return settings and mapping of the index of a namespace.

    Vectors are written at length one, where the inner product is the cosine: Faiss knows ``cosinesimil`` only since
    OpenSearch 2.19, which not every collection has.
    """
    unsearched = {"type": "keyword", "index": False, "doc_values": False}
    keyword = {"type": "keyword"}
    number = {"type": "nested", "properties": {"name": keyword, "value": {"type": "double"}}}
    method = {"name": "hnsw", "engine": "faiss", "space_type": "innerproduct"}
    return {
        "settings": {"index": {"knn": True, "refresh_interval": "1s"}},
        "mappings": {
            "dynamic": "strict",
            "_meta": {"tenant": tenant_id, "namespace": namespace},
            "properties": {
                "vector": {"type": "knn_vector", "dimension": dimensions, "method": method},
                "item": keyword,
                "stamp": {"type": "long"},
                "text": {"type": "text"},
                "metadata": unsearched,
                "tokens": keyword,
                "members": keyword,
                "numbers": number,
            },
        },
    }


def document(item: VectorItem, vector: Sequence[float], stamp: int) -> dict[str, Any]:
    """Return the document of an item; ``stamp`` tells it from older documents of the same item."""
    written = {
        "item": item.id,
        "stamp": stamp,
        "vector": vector,
        "metadata": json.dumps(item.metadata, separators=(",", ":")),
        "tokens": [_token(name, value) for name, value in item.metadata.items()],
        "members": [_member(name) for name in item.metadata],
        "numbers": [
            {"name": _member(name), "value": _double(value)}
            for name, value in item.metadata.items()
            if is_number(value)
        ],
    }
    return written if item.text is None else {**written, "text": item.text}


def query_of(condition: Condition) -> Query:
    """Return a condition as a query."""
    if isinstance(condition, Test):
        return _test(condition)
    parts = [query_of(part) for part in condition.parts]
    if not parts:
        return {"match_all": {}}
    if condition.kind == "$and":
        return all_of(*parts)
    return {"bool": {"should": parts, "minimum_should_match": 1}}


def all_of(*queries: Query) -> Query:
    """Return a query for what meets all of these."""
    return {"bool": {"filter": list(queries)}}


def hit(found: Mapping[str, Any], score: float) -> Hit:
    """Return a document as a search result."""
    source = found["_source"]
    # A score is the product of 32-bit numbers; digits past the sixth are noise.
    score = round(min(1.0, max(-1.0, score)), 6)
    return Hit(source["item"], score, source.get("text"), json.loads(source["metadata"]))


def cosine(score: float) -> float:
    """Return the inner product that a score of Faiss's inner product space stands for."""
    return score - 1.0 if score >= 1.0 else 1.0 - 1.0 / score


def _test(test: Test) -> Query:
    name = _member(test.field)
    if test.operator in RANGES:
        bound = {"range": {"numbers.value": {test.operator.removeprefix("$"): _double(test.value)}}}
        return {"nested": {"path": "numbers", "query": all_of({"term": {"numbers.name": name}}, bound)}}
    if test.operator == "$ne":
        other = {"term": {"tokens": _token(test.field, test.value)}}
        return {"bool": {"filter": [{"term": {"members": name}}], "must_not": [other]}}
    if not test.value:
        return {"match_none": {}}
    return {"terms": {"tokens": [_token(test.field, value) for value in test.value]}}


def _token(name: str, value: Any) -> str:
    return sha256(json.dumps([name, comparable(value)]).encode()).hexdigest()[:40]


def _member(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:40]


def _double(value: float) -> float:
    """A number as a double; larger ones are as large as doubles can be."""
    try:
        return float(value)
    except OverflowError:
        return sys.float_info.max if value > 0 else -sys.float_info.max
