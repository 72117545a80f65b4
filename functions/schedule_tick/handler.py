"""Every few minutes: end what was left open by functions that never came back, and go on with what takes long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
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


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Take every step, whatever becomes of those before it.

    Raises:
        ExceptionGroup: Steps failed; the function's alarm is to see it.
    """
    done: dict[str, Any] = {}
    failures: list[Exception] = []
    for name, step in _steps(context).items():
        try:
            done[name] = step()
        except Exception as error:
            logger.exception("step failed", extra={"step": name})
            failures.append(error)
    logger.info("swept", extra=done)
    if failures:
        raise ExceptionGroup("Steps of the tick failed; the next tick takes them again.", failures)
    return done


def _steps(context: Any) -> dict[str, Callable[[], Any]]:
    def before(seconds: float) -> Callable[[], bool]:
        return lambda: context.get_remaining_time_in_millis() / 1000 > seconds

    return {
        "leases": lambda: dict(zip(("settled", "released"), services().meter.sweep(), strict=True)),
        "alerts": lambda: services().alerts.wake(),
        "rollups": lambda: services().rollups.catch_up(seconds=_ROLLUP_SECONDS),
        "seeded": lambda: services().plan_changes.go_on(),
        "erased": lambda: services().erasures.go_on(before(_ERASURES_UNTIL)),
        "files": lambda: services().files.sweep(before(_FILES_UNTIL)),
        "exported": lambda: services().exports.go_on(before(_EXPORTS_UNTIL)),
        "dead_schedules": lambda: services().schedule_watch.go_on(before(_SCHEDULES_UNTIL)),
        "rotated": lambda: asyncio.run(services().credentials.rotate_due(before(_ROTATIONS_UNTIL))),
        "issued": lambda: services().invoices.issue(before(_INVOICES_UNTIL)),
    }
