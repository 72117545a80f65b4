"""Every few minutes: end what was left open by functions that never came back, and roll closed days up."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from smyth.http.services import services

logger = Logger(service="smyth")

#: Roll-ups go on at the next tick where time does not suffice.
_ROLLUP_SECONDS = 20.0


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    settled, released = services().meter.sweep()
    woken = services().alerts.wake()
    rolled = services().rollups.catch_up(seconds=_ROLLUP_SECONDS)
    logger.info("swept", settled=settled, released=released, alerts=woken, rollups=rolled)
    return {"settled": settled, "released": released, "alerts": woken, "rollups": rolled}
