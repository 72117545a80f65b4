"""Looking after schedules: each is looked at once an hour, and its tenant is told when it is dead."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Protocol

from smyth.platform.errors import Busy
from smyth.platform.schedules import Schedules, schedule_of
from smyth.platform.times import Clock, utc_now
from smyth.platform.trigger_alerts import TriggerAlerts
from smyth.platform.trigger_records import Trigger

logger = logging.getLogger(__name__)

_PAUSE = timedelta(hours=1)


def first_look(trigger: Trigger) -> datetime | None:
    """Return when a trigger that was just changed is to be looked at; None for what needs nobody to look after it."""
    if schedule_of(trigger) is None:
        return None
    if trigger.disabled_because:
        return trigger.updated_at
    # Not at once: it is placed in the calendar only after it was written.
    return trigger.updated_at + _PAUSE if trigger.enabled else None


class WatchStore(Protocol):
    """Where schedules stand in line."""

    def due(self, now: datetime) -> Iterable[Trigger]:
        """Yield schedules that are to be looked at, those that wait longest first; not all where they are many."""
        ...

    def look_again(self, trigger: Trigger, at: datetime | None) -> None:
        """Look at a schedule at another time, or never more; nothing happens where it has changed."""
        ...


class ScheduleWatch:
    """Finds dead schedules, some at a time."""

    def __init__(self, store: WatchStore, schedules: Schedules, alerts: TriggerAlerts, clock: Clock = utc_now) -> None:
        self._store = store
        self._schedules = schedules
        self._alerts = alerts
        self._now = clock

    def go_on(self, may_go_on: Callable[[], bool]) -> int:
        """Look at schedules whose time has come; return of how many their tenants were told."""
        told = 0
        for trigger in self._store.due(self._now()):
            if not may_go_on():
                break
            try:
                told += self._look(trigger)
            except Busy as busy:
                # Whoever is busy is so for all of them; they keep their place in line.
                logger.warning("schedules are looked at later: %s", busy.detail)
                break
        return told

    def _look(self, trigger: Trigger) -> bool:
        last = self._schedules.last_run(trigger)
        state, problem = self._schedules.state(trigger, last)
        died = state == "dead" and not self._schedules.is_finished(trigger, last)
        told = died and self._alerts.schedule_died(trigger, problem, last_run_id=last.id if last else "")
        again = state == "on" or (state == "dead" and self._schedules.may_run(trigger, last))
        self._store.look_again(trigger, self._now() + _PAUSE if again else None)
        return told
