"""LogicAtLeast: at least so many inputs are true."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from smyth.components._gates import OUTPUTS, branch, count_true
from smyth.components.base import Call, Component
from smyth.components.base import Settings as BaseSettings


class Settings(BaseSettings):
    """Settings of LogicAtLeast."""

    limit: float = Field(
        1, alias="minSetInputs", ge=0, le=9, description="How many inputs must be true at least; 0 to 9."
    )


class LogicAtLeast(Component):
    """Sends ``Verified`` when at least so many declared inputs are true, else ``Unverified``."""

    name = "LogicAtLeast"
    title = "At Least"
    summary = "True when at least so many inputs are true."
    Settings = Settings
    outputs = OUTPUTS
    custom_inputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Look at the declared inputs."""
        return branch(holds=count_true(call) >= call.settings.limit)
