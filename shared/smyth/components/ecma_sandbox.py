"""ECMASandbox: JavaScript of the agent's author."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from smyth.components import base
from smyth.components._code import LONGEST_SOURCE, run_code
from smyth.components.base import Call, Component, Port


class Settings(base.Settings):
    """Settings of ECMASandbox."""

    code: str = Field(
        "",
        max_length=LONGEST_SOURCE,
        description="JavaScript with `async function main(...)`; its parameters are filled with the inputs of their "
        "names. There are no modules and no network.",
    )


class ECMASandbox(Component):
    """Calls ``main`` of the code and gives what it returns (COMPONENTS section 3)."""

    name = "ECMASandbox"
    title = "Code (sandbox)"
    summary = "Runs JavaScript in a sandbox."
    Settings = Settings
    outputs = (Port("Output", "Any", "What main returned."),)
    custom_inputs = True
    custom_outputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Run the code on the inputs, which it gets as data (compat README, quirk 93)."""
        return await run_code(call, call.settings.code)
