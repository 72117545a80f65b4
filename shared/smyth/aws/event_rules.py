"""Rules of the stack's own bus: one for each trigger that waits for events.

A rule hands its events to the queue of triggers as deliveries, by the event's own id.
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from smyth.aws.clients import data_config, make_client
from smyth.platform.errors import Busy, Invalid, LimitReached
from smyth.platform.trigger_records import EventRule, Trigger

_TIMEOUT_S = 8
_TARGET = "queue"
_PATHS = {"id": "$.id", "time": "$.time", "source": "$.source", "type": "$.detail-type", "detail": "$.detail"}
#: Filled by EventBridge, which quotes texts by itself.
_PAYLOAD = '{"id": <id>, "time": <time>, "source": <source>, "detail-type": <type>, "detail": <detail>}'


class EventRules:
    """A :class:`~smyth.platform.triggers.Source` in EventBridge."""

    def __init__(self, bus: str, *, queue_arn: str) -> None:
        self._bus = bus
        self._queue_arn = queue_arn

    @cached_property
    def _client(self) -> Any:
        return make_client("events", data_config(_TIMEOUT_S))

    def place(self, trigger: Trigger) -> None:
        """See :meth:`smyth.platform.triggers.Source.place`.

        Raises:
            Invalid: EventBridge does not take the pattern.
            LimitReached: There are as many rules on the bus as there may be.
            Busy: EventBridge did not answer as it should; try again.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        assert isinstance(trigger.rule, EventRule)
        try:
            self._client.put_rule(
                Name=trigger.id,
                EventBusName=self._bus,
                EventPattern=json.dumps(trigger.rule.pattern.of_tenant(trigger.tenant_id)),
                State="ENABLED" if trigger.enabled else "DISABLED",
            )
            self._client.put_targets(Rule=trigger.id, EventBusName=self._bus, Targets=[self._target(trigger)])
        except ClientError as error:
            told = error.response["Error"]
            if told["Code"] == "InvalidEventPatternException":
                raise Invalid(f"EventBridge does not take the pattern: {told['Message']}") from None
            if told["Code"] == "LimitExceededException":
                raise LimitReached(
                    "The service has as many rules for events as EventBridge takes on one bus. Delete triggers that "
                    "are no longer needed, or ask the operator to have the limit raised."
                ) from None
            raise _busy() from error
        except BotoCoreError as error:
            raise _busy() from error

    def remove(self, trigger: Trigger) -> None:
        """See :meth:`smyth.platform.triggers.Source.remove`.

        Raises:
            Busy: EventBridge did not answer as it should; try again.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client.remove_targets(Rule=trigger.id, EventBusName=self._bus, Ids=[_TARGET])
            self._client.delete_rule(Name=trigger.id, EventBusName=self._bus)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise _busy() from error
        except BotoCoreError as error:
            raise _busy() from error

    def _target(self, trigger: Trigger) -> dict[str, Any]:
        head = json.dumps({"tenant_id": trigger.tenant_id, "trigger_id": trigger.id})[:-1]
        template = f'{head}, "delivery_id": <id>, "at": <time>, "payload": {_PAYLOAD}}}'
        transformer = {"InputPathsMap": _PATHS, "InputTemplate": template}
        return {"Id": _TARGET, "Arn": self._queue_arn, "InputTransformer": transformer}


def _busy() -> Busy:
    return Busy("EventBridge did not take the rule. Try again.", retry_after_s=2)
