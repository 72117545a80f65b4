"""JSONFilter: keep only the named keys of an object."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from smyth.components.base import Call, Component, Port
from smyth.components.base import Settings as BaseSettings


class Settings(BaseSettings):
    """Settings of JSONFilter."""

    fields: str = Field(
        "",
        max_length=30_000,
        description="Names of the keys to keep, separated by commas. "
        "They are names, not paths: a nested key needs its parents listed too.",
    )


class JSONFilter(Component):
    """Keeps the listed keys at every depth (compat README, quirk 61)."""

    name = "JSONFilter"
    title = "JSON Filter"
    summary = "Keeps only the named keys of an object; a nested key needs its parents listed too."
    Settings = Settings
    inputs = (Port("Input", "Object", "An object or a list; other values pass unchanged."),)
    outputs = (Port("Output", "Any", "The filtered copy."),)

    async def run(self, call: Call) -> dict[str, Any]:
        """Filter ``Input``; a good run says so on ``_error`` with null (compat README, quirk 10)."""
        names = frozenset(name.strip() for name in call.settings.fields.split(","))
        return {"Output": _filtered(call.inputs.get("Input"), names), "_error": None}


def _filtered(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, list):
        return [_filtered(item, names) for item in value]
    if isinstance(value, dict):
        return {name: _filtered(member, names) for name, member in value.items() if name in names}
    return value
