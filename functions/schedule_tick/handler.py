"""Every few minutes: end what was left open by functions that never came back, and go on with what takes long."""

from __future__ import annotations

import asyncio
from typing import Any

from aws_lambda_powertools import Logger

from smyth.http.services import services

logger = Logger(service="smyth")

#: Roll-ups go on at the next tick where time does not suffice.
_ROLLUP_SECONDS = 20.0
#: With so many seconds left, erasures, exports and invoices stop until the next tick.
_ERASURES_UNTIL, _EXPORTS_UNTIL, _INVOICES_UNTIL = 20.0, 10.0, 5.0
#: A file is removed in a second at the most.
_FILES_UNTIL = 10.0
#: One rotation waits for its address for ten seconds at the most.
_ROTATIONS_UNTIL = 20.0
#: A look at a schedule takes a call of EventBridge Scheduler, which may take its eight seconds.
_SCHEDULES_UNTIL = 15.0


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    settled, released = services().meter.sweep()
    woken = services().alerts.wake()
    rolled = services().rollups.catch_up(seconds=_ROLLUP_SECONDS)
    done = {"settled": settled, "released": released, "alerts": woken, "rollups": rolled}
    done["seeded"] = services().plan_changes.go_on()
    done["erased"] = services().erasures.go_on(lambda: _seconds_left(context) > _ERASURES_UNTIL)
    done["files"] = services().files.sweep(lambda: _seconds_left(context) > _FILES_UNTIL)
    done["exported"] = services().exports.go_on(lambda: _seconds_left(context) > _EXPORTS_UNTIL)
    done["dead_schedules"] = services().schedule_watch.go_on(lambda: _seconds_left(context) > _SCHEDULES_UNTIL)
    rotating = services().credentials.rotate_due(lambda: _seconds_left(context) > _ROTATIONS_UNTIL)
    done["rotated"] = asyncio.run(rotating)
    done["issued"] = services().invoices.issue(lambda: _seconds_left(context) > _INVOICES_UNTIL)
    logger.info("swept", extra=done)
    return done


def _seconds_left(context: Any) -> float:
    return float(context.get_remaining_time_in_millis()) / 1000
