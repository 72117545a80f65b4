"""What a filter over metadata may say; the same in every adapter.

Members of a filter must all be met. ``{"lang": "en"}`` asks for an equal value, ``{"lang": {"$in": ["en", "de"]}}``
for one of several, ``{"year": {"$gte": 2020, "$lt": 2024}}`` for numbers in a range, ``{"lang": {"$ne": "en"}}`` for
another value; ``$and`` and ``$or`` take lists of filters. An item that lacks a member never meets a condition on it.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Operator = Literal["$in", "$ne", "$gt", "$gte", "$lt", "$lte"]

#: Ranges compare numbers; dates are filtered as numbers, too.
RANGES: Mapping[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}
_MAX_CONDITIONS = 100
_MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Test:
    """A condition on one member; ``value`` is a list for ``$in``."""

    __test__ = False

    field: str
    operator: Operator
    value: Any

    def met_by(self, value: Any) -> bool:
        """Tell whether a member with this value meets the condition."""
        if self.operator in RANGES:
            return is_number(value) and RANGES[self.operator](value, self.value)
        found = comparable(value)
        if self.operator == "$ne":
            return found != comparable(self.value)
        return any(found == comparable(wanted) for wanted in self.value)


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions of which all must be met, or any."""

    kind: Literal["$and", "$or"]
    parts: tuple[Test | Group, ...]


Condition = Test | Group
#: Met by every item.
EVERYTHING = Group("$and", ())


def parse(filter: Mapping[str, Any] | None) -> Condition:
    """Read a filter.

    Raises:
        ValueError: It says what no adapter knows; the text tells what is known.
    """
    condition = _group(filter or {}, depth=0)
    if _count(condition) > _MAX_CONDITIONS:
        raise ValueError(f"A filter may have {_MAX_CONDITIONS} conditions. Ask for less at once, or use $in.")
    return condition


def matches(condition: Condition, metadata: Mapping[str, Any]) -> bool:
    """Tell whether an item's metadata meets a condition."""
    if isinstance(condition, Test):
        return condition.field in metadata and condition.met_by(metadata[condition.field])
    decide = all if condition.kind == "$and" else any
    return decide(matches(part, metadata) for part in condition.parts)


def comparable(value: Any) -> str:
    """Return a text that is the same for equal JSON values; 1 and 1.0 are equal, 1 and true are not."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True)


def is_number(value: Any) -> bool:
    """Tell whether a value has a place in a range."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _group(filter: Mapping[str, Any], depth: int) -> Condition:
    if depth > _MAX_DEPTH:
        raise ValueError(f"A filter may be nested {_MAX_DEPTH} levels deep. Write it flatter.")
    parts: list[Condition] = []
    for name, wanted in filter.items():
        if name in ("$and", "$or"):
            parts.append(_combined(name, wanted, depth))
        elif name.startswith("$"):
            raise ValueError(f'The filter has an operator "{name}" in the place of a member. Use $and or $or there.')
        else:
            parts += _tests(name, wanted)
    return parts[0] if len(parts) == 1 else Group("$and", tuple(parts))


def _combined(kind: str, filters: Any, depth: int) -> Condition:
    if not isinstance(filters, list) or not filters or not all(isinstance(one, dict) and one for one in filters):
        raise ValueError(f'"{kind}" in a filter takes a list of filters that are not empty.')
    return Group("$and" if kind == "$and" else "$or", tuple(_group(one, depth + 1) for one in filters))


def _tests(field: str, wanted: Any) -> list[Condition]:
    if not isinstance(wanted, dict) or not any(member.startswith("$") for member in wanted):
        return [Test(field, "$in", [wanted])]
    return [_test(field, name, value) for name, value in wanted.items()]


def _test(field: str, name: str, value: Any) -> Test:
    if name == "$in" and isinstance(value, list):
        return Test(field, "$in", value)
    if name == "$ne":
        return Test(field, "$ne", value)
    if name in RANGES and is_number(value):
        return Test(field, name, value)  # type: ignore[arg-type]
    raise ValueError(
        f'The filter for "{field}" is not known. Send a value, {{"$in": [values]}}, {{"$ne": value}}, '
        'or {"$gt" | "$gte" | "$lt" | "$lte": number}.'
    )


def _count(condition: Condition) -> int:
    return 1 if isinstance(condition, Test) else sum(map(_count, condition.parts))
