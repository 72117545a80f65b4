"""LogicXOR: exactly one input is true."""

from __future__ import annotations

from typing import Any

from smyth.components._gates import OUTPUTS, branch, count_true
from smyth.components.base import Call, Component


class LogicXOR(Component):
    """Sends ``Verified`` when exactly one declared input is true, else ``Unverified``."""

    name = "LogicXOR"
    title = "Exclusive Or"
    summary = "True when exactly one input is true."
    outputs = OUTPUTS
    custom_inputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Look at the declared inputs."""
        return branch(holds=count_true(call) == 1)
