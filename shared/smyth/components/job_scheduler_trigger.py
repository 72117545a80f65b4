"""JobSchedulerTrigger: start the workflow on a schedule (COMPONENTS section 11)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from smyth.components._triggers import Trigger, TriggerSettings
from smyth.components.base import Call
from smyth.values import parse_whole


class Settings(TriggerSettings):
    """How often, and with what."""

    interval: int = Field(5, ge=1, le=720, description="Minutes between runs.")
    payload: str | dict[str, Any] | None = Field("{}", description="JSON object that each run gets.")


class JobSchedulerTrigger(Trigger):
    """Give each run the payload of the settings."""

    name = "JobSchedulerTrigger"
    title = "Job Scheduler"
    summary = "Starts the workflow on a schedule with a fixed payload."
    Settings = Settings

    async def collect(self, call: Call) -> list[Any]:
        """See :meth:`smyth.components._triggers.Trigger.collect`; what is no object counts as an empty one."""
        payload = call.settings.payload
        if isinstance(payload, str):
            payload = parse_whole(payload)
        return [payload if isinstance(payload, dict) else {}]
