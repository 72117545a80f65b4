"""Schedules: triggers that the clock sets off, placed in a calendar; and which of them will never run again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal, Protocol

from smyth.platform.deliveries import Deliveries
from smyth.platform.delivery_records import Run
from smyth.platform.errors import Busy, Invalid
from smyth.platform.schedule_rules import ScheduleRule
from smyth.platform.times import Clock, rfc3339, utc_now
from smyth.platform.trigger_records import ComponentRule, Trigger

#: What a run may be late by before it counts as missed.
_GRACE = timedelta(minutes=10)
_MISSED = 2
#: Runs are kept for 30 days: what was due before cannot be told from what ran.
_REMEMBERED = timedelta(days=29)

State = Literal["on", "off", "dead"]


class Calendar(Protocol):
    """Where schedules are watched: EventBridge Scheduler."""

    def put(self, trigger: Trigger, rule: ScheduleRule) -> None:
        """Keep a schedule, replacing the trigger's earlier one.

        Raises:
            Busy: It cannot be kept now.
        """
        ...

    def remove(self, trigger_id: str) -> None:
        """Forget a schedule; none is fine.

        Raises:
            Busy: It cannot be forgotten now.
        """
        ...

    def has(self, trigger_id: str) -> bool:
        """Tell whether it is kept.

        Raises:
            Busy: Nobody can say now.
        """
        ...


def schedule_of(trigger: Trigger) -> ScheduleRule | None:
    """Return when the clock sets a trigger off; None where something else does."""
    if isinstance(trigger.rule, ScheduleRule):
        return trigger.rule
    if isinstance(trigger.rule, ComponentRule) and trigger.rule.every_minutes:
        return ScheduleRule(every=f"{trigger.rule.every_minutes} minutes")
    return None


class ScheduleSource:
    """A :class:`~smyth.platform.triggers.Source` of what the clock sets off."""

    def __init__(self, calendar: Calendar, clock: Clock = utc_now) -> None:
        self._calendar = calendar
        self._now = clock

    def place(self, trigger: Trigger) -> None:
        """See :meth:`smyth.platform.triggers.Source.place`.

        Raises:
            Invalid: A new schedule would never run.
        """
        rule = schedule_of(trigger)
        more = rule and rule.next_runs(1, after=self._now(), created_at=trigger.created_at)
        if rule and not more and trigger.version == 1:
            raise Invalid(f"The schedule would never run: its last time lies before now, {rfc3339(self._now())}.")
        if rule and more and trigger.enabled:
            self._calendar.put(trigger, rule)
        else:
            self._calendar.remove(trigger.id)

    def remove(self, trigger: Trigger) -> None:
        """See :meth:`smyth.platform.triggers.Source.remove`."""
        self._calendar.remove(trigger.id)


class Schedules:
    """What becomes of schedules."""

    def __init__(self, calendar: Calendar, deliveries: Deliveries, clock: Clock = utc_now) -> None:
        self._calendar = calendar
        self._deliveries = deliveries
        self._now = clock

    def next_runs(self, trigger: Trigger, count: int) -> list[datetime]:
        """Return when a schedule runs next; never, while it is switched off."""
        rule = schedule_of(trigger)
        if rule is None or not trigger.enabled:
            return []
        return rule.next_runs(count, after=self._now(), created_at=trigger.created_at)

    def last_run(self, trigger: Trigger) -> Run | None:
        """Return what became of the newest delivery."""
        return self._deliveries.last(trigger)

    def states(self, shown: Iterable[tuple[Trigger, Run | None]]) -> list[tuple[State, str]]:
        """Tell what :meth:`state` does of many schedules; while the calendar is busy, what is known without it.

        Args:
            shown: Schedules with their newest runs.
        """
        told: list[tuple[State, str]] = []
        busy: Busy | None = None
        for trigger, last in shown:
            if busy is None:
                try:
                    told.append(self.state(trigger, last))
                    continue
                except Busy as error:  # It is not asked about the others: each call may take its time.
                    busy = error
            state, problem = self.state(trigger, last, is_kept=True)
            told.append((state, busy.detail if state == "on" else problem))
        return told

    def state(self, trigger: Trigger, last: Run | None, *, is_kept: bool = False) -> tuple[State, str]:
        """Tell whether a schedule will run again, and why not.

        Args:
            trigger: The schedule.
            last: Its newest run.
            is_kept: Whether to take it that the calendar keeps it, and not to ask.

        Raises:
            Busy: The calendar cannot say now.
        """
        if trigger.disabled_because:
            return "dead", trigger.disabled_because
        if not trigger.enabled:
            return "off", ""
        if not self.next_runs(trigger, 1):
            return "dead", "Its last time is over. Change its rule, or delete it."
        if not (is_kept or self._calendar.has(trigger.id)):
            return "dead", "EventBridge Scheduler has lost it. Change it in any way, and it is placed anew."
        if self._unrun(trigger, last, until=self._now() - _GRACE) >= _MISSED:
            return "dead", f"It missed its last {_MISSED} times. Look at the queue of triggers and its dead letters."
        return "on", ""

    def is_finished(self, trigger: Trigger, last: Run | None) -> bool:
        """Tell whether a schedule ended as it should: its last time is over, and nothing of it was missed."""
        if not trigger.enabled or self.next_runs(trigger, 1):
            return False
        return not self._unrun(trigger, last, until=self._now() - _GRACE)

    def may_run(self, trigger: Trigger, last: Run | None) -> bool:
        """Tell whether a run of the schedule can still come, be it a late one."""
        if not trigger.enabled:
            return False
        return bool(self.next_runs(trigger, 1)) or (
            self._unrun(trigger, last, until=self._now()) > self._unrun(trigger, last, until=self._now() - _GRACE)
        )

    def _unrun(self, trigger: Trigger, last: Run | None, *, until: datetime) -> int:
        """Count, up to the number that makes a schedule dead, the times that were due and have no run."""
        rule = schedule_of(trigger)
        since = max(trigger.updated_at, self._now() - _REMEMBERED, *([last.at] if last else []))
        due = islice(rule.runs(after=since, created_at=trigger.created_at), _MISSED) if rule else ()
        return sum(moment <= until for moment in due)
