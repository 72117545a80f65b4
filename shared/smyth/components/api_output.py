"""APIOutput: the answer to the caller (COMPONENTS section 1)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from smyth.components import base
from smyth.components.base import Call, Port
from smyth.values import to_text

_WRAPPED_TYPES = ("", "application/json")


class Settings(base.Settings):
    """How the answer looks."""

    format: Literal["full", "minimal", "raw"] = Field(
        description="full: with the component's id and name; minimal: the collected values alone; raw: one text."
    )
    content_type: str | None = Field(
        None, alias="contentType", description="Type of the answer; anything but JSON drops the wrapper of full."
    )


class APIOutput(base.Component):
    """Collect the inputs into one output, in the order in which they arrived."""

    name = "APIOutput"
    title = "API Output"
    summary = "Shapes the answer of the agent."
    Settings = Settings
    outputs = (Port("Output", description="The collected inputs."),)
    custom_inputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """See :meth:`smyth.components.base.Component.run`."""
        collected = {name: call.inputs[name] for name in call.received}
        if call.settings.format == "raw":
            return {"Output": "".join(to_text(value) for value in collected.values())}
        return {"Output": collected}

    def post_process(self, entry: dict[str, Any], settings: Any) -> Any:
        """Drop the wrapper for ``minimal`` and for types other than JSON (compat README, quirk 48)."""
        if settings.format != "minimal" and (settings.content_type or "") in _WRAPPED_TYPES:
            return entry
        result = entry["result"]
        return result["_error"] if "_error" in result else result["Output"]
