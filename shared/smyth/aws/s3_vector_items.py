"""What an item is to S3 Vectors, and what a filter is.

An item's text and metadata lie whole, as one JSON text, in the one member that filters
do not see: S3 Vectors takes neither null nor objects, and little that may be filtered.
For filters each member of the metadata is there again: ``is_<name>`` with its value's
JSON text, or a hash where that is long, and ``num_<name>`` with the number for ranges.
So two values are equal here if, and only if, they are equal in the other adapters.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from smyth.connectors.vectors.filters import EVERYTHING, RANGES, Condition, Test, comparable, is_number
from smyth.connectors.vectors.port import Hit, ItemTooLarge, VectorItem

#: The member that filters do not see.
ITEM = "item"
#: S3 Vectors' limits of an item: bytes that may be filtered, bytes of all metadata, and members.
_MOST_FILTERABLE, _MOST_BYTES, _MOST_MEMBERS = 2_000, 40_000, 50
#: Longer names and values are hashed.
_LONGEST = 56
#: No value's JSON text: met by no item.
_NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Record:
    """An item as it is sent, and about how many bytes that takes."""

    vector: dict[str, Any]
    size: int


def record(item: VectorItem, vector: Sequence[float]) -> Record:
    """Return what to send for ``item``; ``vector`` is its vector at length one.

    Raises:
        ItemTooLarge: S3 Vectors does not take so much.
    """
    kept = json.dumps({"text": item.text, "metadata": item.metadata}, ensure_ascii=False, separators=(",", ":"))
    filterable = _filterable(item.metadata)
    filtered, whole = _bytes(filterable), _bytes({**filterable, ITEM: kept})
    if filtered > _MOST_FILTERABLE or whole > _MOST_BYTES or len(filterable) >= _MOST_MEMBERS:
        raise ItemTooLarge(
            f'The item "{item.id}" is too large for S3 Vectors: text and metadata may take {_MOST_BYTES} bytes, and '
            f"names and values of its metadata {_MOST_FILTERABLE} bytes and {_MOST_MEMBERS - 1} members, numbers "
            f"counting twice. Shorten the text, or put members into one object."
        )
    data = {"float32": list(vector)}
    sent = {"key": item.id, "data": data, "metadata": {**filterable, ITEM: kept}}
    return Record(sent, len(json.dumps(sent)))


def hit(found: Mapping[str, Any]) -> Hit:
    """Return a result of a query; its distance is one minus the cosine."""
    text, metadata = _kept(found)
    return Hit(found["key"], 1.0 - found["distance"], text, metadata)


def metadata_of(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata of an item as it was given."""
    return _kept(found)[1]


def filter_of(condition: Condition) -> dict[str, Any] | None:
    """Return a condition in the grammar of S3 Vectors; None where there is none."""
    if condition == EVERYTHING:
        return None
    if isinstance(condition, Test):
        return _test(condition)
    return {condition.kind: [filter_of(part) for part in condition.parts]}


def _test(test: Test) -> dict[str, Any]:
    if test.operator in RANGES:
        return {_name("num", test.field): {test.operator: test.value}}
    name = _name("is", test.field)
    if test.operator == "$ne":
        # Of items that lack the member, S3 Vectors does not say whether they differ.
        return {"$and": [{name: {"$exists": True}}, {name: {"$ne": _value(test.value)}}]}
    return {name: {"$in": [_value(value) for value in test.value] or [_NOTHING]}}


def _filterable(metadata: Mapping[str, Any]) -> dict[str, Any]:
    tokens = {_name("is", name): _value(value) for name, value in metadata.items()}
    return tokens | {_name("num", name): value for name, value in metadata.items() if is_number(value)}


def _name(kind: str, name: str) -> str:
    return f"{kind}_{_short(name)}"


def _value(value: Any) -> str:
    return _short(comparable(value))


def _short(text: str) -> str:
    encoded = text.encode()
    return text if len(encoded) <= _LONGEST else f"sha256:{sha256(encoded).hexdigest()[:40]}"


def _bytes(metadata: Mapping[str, Any]) -> int:
    return len(json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode())


def _kept(found: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
    kept = json.loads(found["metadata"][ITEM])
    return kept["text"], kept["metadata"]
