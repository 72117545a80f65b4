"""What starts agents besides callers: triggers, schedules, and what they deliver."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from smyth.http.data import Data

if TYPE_CHECKING:
    from smyth.aws.schedules import EventBridgeCalendar
    from smyth.platform.schedules import ScheduleSource


class Occasions(Data):
    """The use cases of events."""

    @cached_property
    def calendar(self) -> EventBridgeCalendar:
        """Where schedules are watched."""
        from smyth.aws.schedules import EventBridgeCalendar

        told = self._settings
        return EventBridgeCalendar(
            told.schedule_group,
            role_arn=told.schedule_role_arn,
            queue_arn=told.trigger_queue_arn,
            dead_letters_arn=told.trigger_dead_letters_arn,
        )

    @cached_property
    def schedule_source(self) -> ScheduleSource:
        """Places triggers of the kinds "schedule" and "component"."""
        from smyth.platform.schedules import ScheduleSource

        return ScheduleSource(self.calendar)
