"""Alerts about triggers: schedules that will not run again, and deliveries that came to nothing."""

from __future__ import annotations

from ulid import ULID

from smyth.platform.alerts import Alert, AlertStore, Kind
from smyth.platform.times import Clock, utc_now
from smyth.platform.trigger_records import Trigger

_MOST_REASON = 500


class TriggerAlerts:
    """Tells tenants of their triggers."""

    def __init__(self, store: AlertStore, clock: Clock = utc_now) -> None:
        self._store = store
        self._now = clock

    def schedule_died(self, trigger: Trigger, problem: str, *, last_run_id: str) -> bool:
        """Tell that a schedule is dead: once, until it changes or runs again; False where that was told before.

        Args:
            trigger: The schedule.
            problem: Why it is dead, and what to do.
            last_run_id: Its newest run; empty without one.
        """
        message = f'The schedule "{trigger.name}" ({trigger.id}) is dead. {problem}'
        return self._raise("schedule", trigger, f"schedule:{trigger.id}:{trigger.version}:{last_run_id}", message)

    def run_died(self, trigger: Trigger, run_id: str, reason: str) -> bool:
        """Tell that a delivery came to nothing; once a day for each trigger.

        Args:
            trigger: What was delivered to.
            run_id: The run that is dead.
            reason: Why its last attempt failed.
        """
        message = (
            f'A delivery to the trigger "{trigger.name}" ({trigger.id}) came to nothing, and is not tried again: '
            f"{reason[:_MOST_REASON]} Look at its run {run_id}, and redrive it. Others of this day are not told."
        )
        return self._raise("trigger", trigger, f"trigger:{trigger.id}:{self._now():%Y-%m-%d}", message)

    def _raise(self, kind: Kind, trigger: Trigger, once: str, message: str) -> bool:
        if self._store.was_raised(trigger.tenant_id, once):
            return False
        alert = Alert(
            id=str(ULID()),
            tenant_id=trigger.tenant_id,
            kind=kind,
            subject=trigger.id,
            message=message,
            at=self._now(),
        )
        return self._store.raise_once(once, alert)
