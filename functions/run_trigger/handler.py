"""Starts agents because something happened: takes deliveries off the queue of triggers."""

from __future__ import annotations

import asyncio
import math
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger
from pydantic import BaseModel, ValidationError

from smyth.http.services import services
from smyth.http.trigger_runs import run_delivery
from smyth.platform.deliveries import NotYet
from smyth.platform.delivery_records import Delivery
from smyth.platform.times import utc_now
from smyth.platform.trigger_records import Trigger

logger = Logger(service="smyth")

#: What is kept back of the function's time to settle and to write the history.
_CLOSING_S = 10.0


class Message(BaseModel):
    """What SQS tells of a message, as far as it matters here."""

    messageId: str  # noqa: N815 - SQS's names
    receiptHandle: str  # noqa: N815
    body: str


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Do a batch of messages, and name those that must come again."""
    return asyncio.run(_batch([Message.model_validate(record) for record in event["Records"]], context))


async def _batch(messages: list[Message], context: Any) -> dict[str, Any]:
    failed = []
    try:
        for message in messages:
            seconds = context.get_remaining_time_in_millis() / 1000 - _CLOSING_S
            if not (seconds > 0 and await _is_over(message, seconds)):
                failed.append({"itemIdentifier": message.messageId})
    finally:
        await services().http.close()
    return {"batchItemFailures": failed}


async def _is_over(message: Message, seconds: float) -> bool:
    """Do one message, whose failure holds up no other; False when it must come again."""
    try:
        return await _do(message, seconds)
    except Exception:
        logger.exception("delivery not done", message_id=message.messageId)
        return False


async def _do(message: Message, seconds: float) -> bool:
    """Do one message; False when it must come again."""
    try:
        delivery = Delivery.model_validate_json(message.body)
    except ValidationError as error:
        logger.error("not a delivery", message_id=message.messageId, faults=error.error_count())
        return False  # Ends in the dead letters, where somebody looks at it.
    if not delivery.delivery_id:
        delivery = delivery.model_copy(update={"delivery_id": message.messageId})
    trigger = await asyncio.to_thread(services().triggers.find, delivery.trigger_id)
    if trigger is None or not _is_for(trigger, delivery):
        logger.warning("delivered to no trigger", trigger_id=delivery.trigger_id, message_id=message.messageId)
        return True
    try:
        due = await run_delivery(trigger, delivery, seconds=seconds)
    except NotYet as not_yet:
        due = not_yet.until
    logger.info(
        "delivery", tenant_id=trigger.tenant_id, trigger_id=trigger.id, kind=trigger.kind, again=due is not None
    )
    if due is None:
        return True
    await asyncio.to_thread(services().trigger_queue.postpone, message.receiptHandle, _seconds_until(due))
    return False


def _is_for(trigger: Trigger, delivery: Delivery) -> bool:
    """Tell whether a trigger wants a delivery: nobody sets off another tenant's, and one that is off none."""
    told = delivery.payload.get("detail") if isinstance(delivery.payload, dict) else None
    named = told.get("tenant_id") if trigger.kind == "event" and isinstance(told, dict) else trigger.tenant_id
    return trigger.enabled and delivery.tenant_id in ("", trigger.tenant_id) and named == trigger.tenant_id


def _seconds_until(due: datetime) -> int:
    return max(0, math.ceil((due - utc_now()).total_seconds()))
