"""LogicAtMost: at most so many inputs are true."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from smyth.components._gates import OUTPUTS, branch, count_true
from smyth.components.base import Call, Component
from smyth.components.base import Settings as BaseSettings


class Settings(BaseSettings):
    """Settings of LogicAtMost."""

    limit: float = Field(
        1, alias="maxSetInputs", ge=0, le=9, description="How many inputs must be true at most; 0 to 9."
    )


class LogicAtMost(Component):
    """Sends ``Verified`` when at most so many declared inputs are true, else ``Unverified``."""

    name = "LogicAtMost"
    title = "At Most"
    summary = "True when at most so many inputs are true."
    Settings = Settings
    outputs = OUTPUTS
    custom_inputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Look at the declared inputs."""
        return branch(holds=count_true(call) <= call.settings.limit)
