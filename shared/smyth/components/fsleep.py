"""FSleep: wait, then go on."""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field

from smyth.components.base import Call, Component, Port
from smyth.components.base import Settings as BaseSettings
from smyth.values import to_text, truthy

_WHOLE = re.compile(r"\s*([+-]?[0-9]{1,9})")


class Settings(BaseSettings):
    """Settings of FSleep."""

    delay: int | float | str | None = Field(1, description="Whole seconds; the run's own time limit holds too.")


class FSleep(Component):
    """Passes its input on after a while (COMPONENTS section 6)."""

    name = "FSleep"
    title = "Sleep"
    summary = "Waits, then passes its input on."
    Settings = Settings
    inputs = (Port("Input", "Any", "What is passed on."),)
    outputs = (Port("Output", "Any", "The same value."),)

    async def run(self, call: Call) -> dict[str, Any]:
        """Wait."""
        if wait := seconds(call.settings.delay):
            await call.run.ports.sleep(wait)
        return {"Output": call.inputs["Input"]} if "Input" in call.inputs else {}


def seconds(delay: Any) -> int:
    """Return how long to wait: 0 means 1, and what is no number means not at all (compat README, quirk 56)."""
    if not truthy(delay):
        return 1
    whole = _WHOLE.match(to_text(delay))
    return max(int(whole[1]), 0) if whole else 0
