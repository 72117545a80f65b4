"""After a deployment: bring the stored data to what this version of the code writes. Called again until it is done."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from smyth.http.services import services

logger = Logger(service="smyth")

#: A step, and to store how far it came.
_MARGIN_MS = 20_000


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    report = services().migrations.run(
        context.aws_request_id, in_time=lambda: context.get_remaining_time_in_millis() > _MARGIN_MS
    )
    logger.info("migrated", **report.model_dump())
    return report.model_dump()
