"""Brings documents into the index, message by message; those that could not be done now come again."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aws_lambda_powertools import Logger
from pydantic import BaseModel, TypeAdapter, ValidationError

from smyth.http.services import services
from smyth.platform.knowledge_indexing import Outcome, Turn
from smyth.platform.knowledge_records import Task

logger = Logger(service="smyth")

#: The queue gives a message up when it has come so often (infra/queues.py).
_LAST_DELIVERY = 8
#: What one step takes at the most: reading a document, or embedding a batch.
_STEP_MS = 90_000
_TASK = TypeAdapter(Task)


class Message(BaseModel):
    """What SQS tells of a message, as far as it matters here."""

    messageId: str  # noqa: N815 - SQS's names
    body: str
    attributes: dict[str, str] = {}

    @property
    def deliveries(self) -> int:
        """How often it came, this time included."""
        return int(self.attributes.get("ApproximateReceiveCount", "1"))


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Do a batch of messages, and name those that must come again."""

    def in_time() -> bool:
        return bool(context.get_remaining_time_in_millis() > _STEP_MS)

    return asyncio.run(_batch([Message.model_validate(record) for record in event["Records"]], in_time))


async def _batch(messages: list[Message], in_time: Any) -> dict[str, Any]:
    failed = []
    for message in messages:
        turn = Turn(again=message.deliveries > 1, give_up=message.deliveries >= _LAST_DELIVERY, in_time=in_time)
        if not await _do(message, turn):
            failed.append({"itemIdentifier": message.messageId})
    return {"batchItemFailures": failed}


async def _do(message: Message, turn: Turn) -> bool:
    """Do one message; False when it must come again."""
    try:
        task = _TASK.validate_python(json.loads(message.body))
    except (ValueError, ValidationError):
        logger.exception("not a task of this queue", message_id=message.messageId)
        return False  # Ends in the dead letters, where somebody looks at it.
    if not turn.in_time():
        return False
    try:
        outcome: Outcome = await services().indexing.agree(task, turn)
    except Exception:
        logger.exception("document not indexed", tenant_id=task.tenant_id, key=task.key)
        return False
    logger.info("document looked at", tenant_id=task.tenant_id, key=task.key, outcome=outcome)
    return True
