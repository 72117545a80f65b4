"""ForEach: run a part of the workflow once per item of a list (COMPONENTS section 6)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from smyth.components import base
from smyth.components.base import Call, Port
from smyth.values import parse


class Settings(base.Settings):
    """What the results look like, and how fast they come."""

    # Anything else means full (compat README, quirk 63).
    format: Any = Field("full", description="What is collected: full entries, minimal results, or results-array.")
    concurrency: int = Field(1, ge=1, le=64, description="Items at a time; results keep the order of the items.")


class ForEach(base.Component):
    """Send each item on ``Loop``, then all results on ``Result``."""

    name = "ForEach"
    title = "For Each"
    summary = "Runs what is connected to Loop once per item, then sends the results."
    Settings = Settings
    inputs = (Port("Input", "Array", "The items."),)
    outputs = (Port("Loop", description="One item."), Port("Result", "Array", "The results of all items."))
    custom_outputs = True
    loop_output = "Loop"

    async def run(self, call: Call) -> dict[str, Any]:
        """See :meth:`smyth.components.base.Component.run`."""
        items = _items(call.inputs.get("Input"))
        if not items:
            return {"Result": []}
        if call.each is None:
            return {}  # nothing is looped over, so there is no result (compat README, quirk 67)
        entries = [entry for found in await call.each(items, call.settings.concurrency) for entry in found]
        if call.settings.format == "minimal":
            return {"Result": [inner_result(entry) for entry in entries]}
        if call.settings.format == "results-array":
            return {"Result": _flat([_values(entry) for entry in entries])}
        return {"Result": entries}


def _items(value: Any) -> list[Any]:
    """Return the items: of text those between commas, of anything but a list itself (compat README, quirk 62)."""
    if isinstance(value, str):
        if value.startswith("["):
            value = parse(value)
        if isinstance(value, str):
            return list(value.split(","))
    return value if isinstance(value, list) else [value]


def inner_result(entry: Any) -> Any:
    """Return the result inside an entry, without what a failed item says (compat README, quirk 64)."""
    inner = entry.get("result", entry) if isinstance(entry, dict) else entry
    return {name: value for name, value in inner.items() if name != "_error"} if isinstance(inner, dict) else inner


def _values(entry: Any) -> Any:
    inner = inner_result(entry)
    return list(inner.values()) if isinstance(inner, dict) else inner


def _flat(values: list[Any]) -> list[Any]:
    """Return the members of nested lists in order; without recursion, as values may be deep."""
    found: list[Any] = []
    pending = values[::-1]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending.extend(reversed(value))
        else:
            found.append(value)
    return found
