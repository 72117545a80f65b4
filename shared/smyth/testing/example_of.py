"""A small value that fits a JSON schema, for models that must answer in one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Schemas may refer to themselves; deeper than this nothing is filled in.
_DEEPEST = 8


def example_of(schema: Mapping[str, Any], root: Mapping[str, Any] | None = None, depth: int = 0) -> Any:
    """Return a value that fits, always the same for the same schema."""
    root = schema if root is None else root
    if depth > _DEEPEST:
        return None
    if "$ref" in schema:
        return example_of(_referred(str(schema["$ref"]), root), root, depth + 1)
    for given in ("const", "default"):
        if given in schema:
            return schema[given]
    if schema.get("enum"):
        return schema["enum"][0]
    for several in ("anyOf", "oneOf"):
        if schema.get(several):
            return example_of(schema[several][0], root, depth + 1)
    if schema.get("allOf"):
        merged: dict[str, Any] = {}
        for part in schema["allOf"]:
            merged |= _referred(part["$ref"], root) if "$ref" in part else part
        return example_of(merged, root, depth + 1)
    return _of_type(schema, root, depth)


def _of_type(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object":
        members: Mapping[str, Any] = schema.get("properties") or {}
        return {name: example_of(member, root, depth + 1) for name, member in members.items()}
    if kind == "array":
        item = example_of(schema.get("items") or {}, root, depth + 1)
        return [item] * max(1, schema.get("minItems", 1))
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    return {"boolean": True, "null": None}.get(kind, "text".ljust(schema.get("minLength", 0), "."))


def _referred(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = root
    for step in reference.removeprefix("#/").split("/"):
        found = found.get(step, {}) if isinstance(found, dict) else {}
    return found if isinstance(found, dict) else {}
