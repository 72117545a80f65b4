"""Every few minutes: end what was left open by functions that never came back."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from smyth.http.services import services

logger = Logger(service="smyth")


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    settled, released = services().meter.sweep()
    logger.info("swept", settled=settled, released=released)
    return {"settled": settled, "released": released}
