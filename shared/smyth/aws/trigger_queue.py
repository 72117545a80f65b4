"""The queue of triggers in SQS."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import Any

from smyth.aws.clients import data_config, make_client
from smyth.platform.errors import Busy

logger = logging.getLogger(__name__)

_TIMEOUT_S = 5
#: SQS keeps a message hidden for 12 hours at the most, from when it was handed out.
_MOST_HIDDEN_S = 11 * 3_600


class SqsTriggerQueue:
    """A :class:`~smyth.platform.delivery_records.DeliveryQueue` in SQS."""

    def __init__(self, queue_url: str) -> None:
        self._queue_url = queue_url

    @cached_property
    def _client(self) -> Any:
        return make_client("sqs", data_config(_TIMEOUT_S))

    def send(self, body: str) -> None:
        """See :meth:`smyth.platform.delivery_records.DeliveryQueue.send`."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client.send_message(QueueUrl=self._queue_url, MessageBody=body)
        except (BotoCoreError, ClientError) as error:
            raise Busy("The queue of triggers did not take it. Nothing was started; try again.", retry_after_s=1) from (
                error
            )

    def postpone(self, receipt: str, seconds: int) -> None:
        """Hide a message that was handed out for so long, instead of until its time runs out.

        Where that fails the message comes when its time runs out, and whoever takes it finds that it is not due.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        hidden = min(max(0, seconds), _MOST_HIDDEN_S)
        try:
            self._client.change_message_visibility(
                QueueUrl=self._queue_url, ReceiptHandle=receipt, VisibilityTimeout=hidden
            )
        except (BotoCoreError, ClientError):
            logger.warning("a message of the queue of triggers could not be postponed", exc_info=True)
