"""Deliveries: something happened that sets a trigger off, and is done once however often it is told.

Every source ends in one message on the queue of triggers. :meth:`Deliveries.deliver` puts it there; EventBridge, its
scheduler and the account's own senders do so by themselves. Who takes a message off the queue begins the delivery's
run: of all that bear one delivery's id, one begins, and the others find it at work or done.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from pydantic import JsonValue

from smyth.platform.delivery_records import Delivery, DeliveryQueue, Failure, Run, RunStore
from smyth.platform.errors import Conflict, Invalid, NotFound, TooLarge
from smyth.platform.ids import RUN, is_id, new_id
from smyth.platform.times import Clock, rfc3339, utc_now
from smyth.platform.trigger_alerts import TriggerAlerts
from smyth.platform.trigger_records import Trigger

#: What a message on the queue may carry; SQS takes 256 KB with all around it.
MAX_PAYLOAD_BYTES = 200_000
#: An agent may set off another, which sets off another; not for ever.
MOST_IN_CHAIN = 5

#: How much of an answer the history tells.
_MOST_OUTPUT = 4_000
_SEARCH_AT_MOST = 1_000
_REDRIVEN_AT_ONCE = 100
_A_MOMENT = timedelta(seconds=2)


class NotYet(Exception):
    """Somebody else has the delivery, or it is to be tried again later.

    Attributes:
        until: When to look again.
    """

    def __init__(self, until: datetime) -> None:
        super().__init__(f"not before {rfc3339(until)}")
        self.until = until


class Deliveries:
    """The use cases of deliveries and their runs."""

    def __init__(self, runs: RunStore, queue: DeliveryQueue, alerts: TriggerAlerts, clock: Clock = utc_now) -> None:
        self._runs = runs
        self._queue = queue
        self._alerts = alerts
        self._now = clock

    def deliver(
        self, trigger: Trigger, *, delivery_id: str, payload: JsonValue, at: datetime | None = None, depth: int = 0
    ) -> None:
        """Tell that a trigger was set off; what is told again under one id is done once.

        Args:
            trigger: Which one.
            delivery_id: What this was, as the source knows it.
            payload: What the agent gets to know of it.
            at: When it was; now unless told.
            depth: How many runs in a row led to it.

        Raises:
            Invalid: The payload is none that JSON can carry in UTF-8, or nests too deep.
            TooLarge: The payload does not fit into a message.
            Busy: The queue did not take it; nothing was started.
        """
        try:
            delivery = Delivery(
                trigger_id=trigger.id,
                tenant_id=trigger.tenant_id,
                delivery_id=delivery_id,
                at=at or self._now(),
                payload=payload,
                depth=depth,
            )
            size = len(_json(payload).encode())
        except ValueError:  # By pydantic, or by the encoding.
            raise Invalid(
                "What was delivered nests too deep, or holds halves of characters. Nothing was started."
            ) from (None)
        if size > MAX_PAYLOAD_BYTES:
            raise TooLarge(
                f"What was delivered has {size:,} bytes; triggers take up to {MAX_PAYLOAD_BYTES:,}. "
                "Put it into a file and deliver the file's key."
            )
        self._queue.send(delivery.model_dump_json())

    def begin(self, trigger: Trigger, delivery: Delivery, lease: timedelta) -> Run | None:
        """Take a delivery up; None where it is over already.

        Args:
            trigger: Which one.
            delivery: From the queue.
            lease: How long the run may take; after that it counts as lost.

        Raises:
            NotYet: Another has it, or its next attempt is due later.
        """
        now = self._now()
        new = Run(
            id=new_id(RUN),
            trigger_id=trigger.id,
            tenant_id=trigger.tenant_id,
            delivery_id=delivery.delivery_id,
            at=delivery.at or now,
            begun_at=now,
            until=now + lease,
            depth=delivery.depth,
        )
        run = self._runs.begin(new, _json(delivery.payload))
        if run.id == new.id:
            return run
        if run.until is None:
            return None
        if run.until > now:
            raise NotYet(run.until)
        if run.attempts >= trigger.retries.attempts:
            lost = Failure(status=500, code="ended", detail="The function ended before the run did.")
            self._bury(run, trigger, {"failure": lost})
            return None
        again = self._write(run, {"state": "running", "attempts": run.attempts + 1, "until": now + lease})
        if again is None:
            raise NotYet(now + _A_MOMENT)
        return again

    def done(self, run: Run, *, output: str, request_id: str = "", cost: int = 0) -> None:
        """Write what a run came to."""
        told = output if len(output) <= _MOST_OUTPUT else output[:_MOST_OUTPUT] + "…"
        changes: dict[str, Any] = {"state": "done", "output": told, "failure": None}
        self._end(run, changes | {"request_id": request_id or run.request_id, "cost": run.cost + cost})

    def failed(
        self, run: Run, trigger: Trigger, failure: Failure, *, request_id: str = "", cost: int = 0, final: bool = False
    ) -> datetime | None:
        """Write that an attempt came to nothing; return when it is tried again, None where that was the last one.

        Args:
            run: The run.
            trigger: Says how often.
            failure: Why.
            request_id: The ledger's entry of the attempt, where it was admitted.
            cost: What the attempt cost all the same.
            final: Whether another attempt cannot help.
        """
        changes = {"failure": failure, "request_id": request_id or run.request_id, "cost": run.cost + cost}
        if final or run.attempts >= trigger.retries.attempts:
            self._bury(run, trigger, changes)
            return None
        due = self._now() + trigger.retries.pause(run.attempts)
        self._write(run, changes | {"state": "waiting", "until": due})
        return due

    def run(self, trigger: Trigger, run_id: str) -> Run:
        """Return a run of a trigger.

        Raises:
            NotFound: There is none, or it is too long ago.
        """
        run = self._runs.get(trigger.tenant_id, trigger.id, run_id) if is_id(RUN, run_id) else None
        if run is None:
            raise NotFound(f"The trigger {trigger.id} has no run {run_id}. Runs are kept for 30 days.")
        return run

    def payload(self, run: Run) -> str:
        """Return what a run's delivery brought, as JSON."""
        return self._runs.payload(run)

    def page(self, trigger: Trigger, *, state: str = "", limit: int = 20, after: str = "") -> tuple[list[Run], str]:
        """Return runs, newest first, and where the next page begins, empty at the end."""
        found: list[Run] = []
        seen, looked = "", 0
        for run in self._runs.newest_first(trigger.tenant_id, trigger.id, after):
            if len(found) == limit or looked == _SEARCH_AT_MOST:
                return found, seen
            seen, looked = run.id, looked + 1
            if state in ("", run.state):
                found.append(run)
        return found, ""

    def last(self, trigger: Trigger) -> Run | None:
        """Return the newest run of a trigger."""
        return next(iter(self._runs.newest_first(trigger.tenant_id, trigger.id)), None)

    def redrive(self, trigger: Trigger, run_id: str) -> Run:
        """Try a dead delivery anew, with all its attempts.

        Raises:
            NotFound: There is no such run.
            Conflict: The run is not dead, or the trigger is switched off.
            Busy: The queue did not take it; the run is as dead as before.
        """
        if not trigger.enabled:
            raise _switched_off(trigger)
        run = self.run(trigger, run_id)
        now = self._now()
        # What waits or runs beyond its time has lost its message.
        if run.state == "done" or (run.until is not None and run.until > now):
            raise Conflict(f"The run {run_id} is {run.state}. Only what is dead can be delivered again.")
        again = self._write(run, {"state": "waiting", "attempts": 0, "until": now, "ended_at": None})
        if again is None:
            raise Conflict(f"The run {run_id} has just changed. Look at it again.")
        try:
            payload = json.loads(self._runs.payload(run))
            self.deliver(trigger, delivery_id=run.delivery_id, payload=payload, at=run.at, depth=run.depth)
        except Exception:
            self._write(again, {"state": "dead", "attempts": run.attempts, "until": None, "ended_at": run.ended_at})
            raise
        return again

    def redrive_all(self, trigger: Trigger) -> list[Run]:
        """Try all dead deliveries anew, at most a hundred at once; return their runs.

        Raises:
            Conflict: The trigger is switched off.
            Busy: The queue did not take one; those before it are under way.
        """
        if not trigger.enabled:
            raise _switched_off(trigger)
        dead, _ = self.page(trigger, state="dead", limit=_REDRIVEN_AT_ONCE)
        again = []
        for run in dead:
            with suppress(Conflict):  # Somebody else has just done so.
                again.append(self.redrive(trigger, run.id))
        return again

    def _bury(self, run: Run, trigger: Trigger, changes: dict[str, Any]) -> None:
        """Write that a run is dead, and tell its tenant; telling first, for what is written is not looked at again."""
        self._alerts.run_died(trigger, run.id, changes["failure"].detail)
        self._end(run, changes | {"state": "dead"})

    def _end(self, run: Run, changes: dict[str, Any]) -> None:
        self._write(run, changes | {"until": None, "ended_at": self._now()})

    def _write(self, run: Run, changes: dict[str, Any]) -> Run | None:
        """Write a changed run; None where another was quicker, who is right."""
        changed = run.model_copy(update={**changes, "revision": run.revision + 1})
        return changed if self._runs.replace(changed) else None


def _switched_off(trigger: Trigger) -> Conflict:
    return Conflict(f"The trigger {trigger.id} is switched off. Enable it first. {trigger.disabled_because}")


def _json(payload: JsonValue) -> str:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
