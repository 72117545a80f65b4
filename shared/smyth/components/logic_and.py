"""LogicAND: all inputs are true."""

from __future__ import annotations

from typing import Any

from smyth.components._gates import OUTPUTS, branch, count_true
from smyth.components.base import Call, Component


class LogicAND(Component):
    """Sends ``Verified`` when every declared input is true, else ``Unverified``."""

    name = "LogicAND"
    title = "And"
    summary = "True when every input is true."
    outputs = OUTPUTS
    custom_inputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Look at the declared inputs."""
        return branch(holds=count_true(call) == len(call.node.inputs))
