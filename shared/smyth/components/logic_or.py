"""LogicOR: an input is true."""

from __future__ import annotations

from typing import Any

from smyth.components._gates import OUTPUTS, branch, count_true
from smyth.components.base import Call, Component


class LogicOR(Component):
    """Sends ``Verified`` when at least one declared input is true, else ``Unverified``."""

    name = "LogicOR"
    title = "Or"
    summary = "True when at least one input is true."
    outputs = OUTPUTS
    custom_inputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Look at the declared inputs."""
        return branch(holds=count_true(call) > 0)
