"""Schedules at EventBridge Scheduler: one for each trigger, which puts the delivery on the queue of triggers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from smyth.aws.clients import data_config, make_client
from smyth.platform.errors import Busy
from smyth.platform.schedule_rules import ScheduleRule
from smyth.platform.times import Clock, utc_now
from smyth.platform.trigger_records import Trigger

_TIMEOUT_S = 8
#: EventBridge Scheduler puts the time here for which a run was due: the same for all tries of that run.
_SCHEDULED = "<aws.scheduler.scheduled-time>"
#: For so long it tries to reach the queue.
_MAX_AGE_S = 3600


class EventBridgeCalendar:
    """A :class:`~smyth.platform.schedules.Calendar` of EventBridge Scheduler."""

    def __init__(
        self, group: str, *, role_arn: str, queue_arn: str, dead_letters_arn: str = "", clock: Clock = utc_now
    ) -> None:
        """Make the calendar.

        Args:
            group: The stack's group of schedules.
            role_arn: By which they send to the queue.
            queue_arn: The queue of triggers.
            dead_letters_arn: Takes what cannot be sent there.
            clock: Tells whether a start still lies ahead.
        """
        self._group = group
        self._role = role_arn
        self._queue = queue_arn
        self._dead_letters = dead_letters_arn
        self._now = clock

    @cached_property
    def _client(self) -> Any:
        return make_client("scheduler", data_config(_TIMEOUT_S))

    def put(self, trigger: Trigger, rule: ScheduleRule) -> None:
        """See :meth:`smyth.platform.schedules.Calendar.put`."""
        wanted = self._description(trigger, rule)
        with _told():
            try:
                self._client.update_schedule(**wanted)
            except self._client.exceptions.ResourceNotFoundException:
                try:
                    self._client.create_schedule(**wanted)
                except self._client.exceptions.ConflictException:
                    self._client.update_schedule(**wanted)  # Another try of the same request was quicker.

    def remove(self, trigger_id: str) -> None:
        """See :meth:`smyth.platform.schedules.Calendar.remove`."""
        with _told():
            try:
                self._client.delete_schedule(GroupName=self._group, Name=trigger_id)
            except self._client.exceptions.ResourceNotFoundException:
                return

    def has(self, trigger_id: str) -> bool:
        """See :meth:`smyth.platform.schedules.Calendar.has`."""
        with _told():
            try:
                found = self._client.get_schedule(GroupName=self._group, Name=trigger_id)
            except self._client.exceptions.ResourceNotFoundException:
                return False
        return bool(found["State"] == "ENABLED")

    def _description(self, trigger: Trigger, rule: ScheduleRule) -> dict[str, Any]:
        """Return what EventBridge Scheduler is told; a start that lies behind it would refuse.

        A rate always gets its next run as its start: else it would be counted from this call.
        """
        now = self._now()
        starts_at = rule.starts_at
        if rule.every:
            starts_at = next(rule.runs(after=now, created_at=trigger.created_at), None)
        message = {
            "tenant_id": trigger.tenant_id,
            "trigger_id": trigger.id,
            "delivery_id": _SCHEDULED,
            "at": _SCHEDULED,
            "payload": {"scheduled_at": _SCHEDULED},
        }
        target: dict[str, Any] = {
            "Arn": self._queue,
            "RoleArn": self._role,
            "Input": json.dumps(message),
            "RetryPolicy": {"MaximumEventAgeInSeconds": _MAX_AGE_S, "MaximumRetryAttempts": 20},
        }
        if self._dead_letters:
            target["DeadLetterConfig"] = {"Arn": self._dead_letters}
        described: dict[str, Any] = {
            "GroupName": self._group,
            "Name": trigger.id,
            "ScheduleExpression": rule.expression,
            "ScheduleExpressionTimezone": rule.time_zone,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ActionAfterCompletion": "DELETE",
            "State": "ENABLED",
            "Target": target,
        }
        if starts_at and starts_at > now:
            described["StartDate"] = starts_at
        if rule.ends_at:
            described["EndDate"] = rule.ends_at
        return described


@contextmanager
def _told() -> Iterator[None]:
    """Turn what AWS says into our words.

    Raises:
        Busy: It did not do it.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise Busy(f"EventBridge Scheduler did not take the schedule ({code}). Try again.", retry_after_s=5) from error
    except BotoCoreError as error:
        raise Busy("EventBridge Scheduler cannot be reached. Try again.", retry_after_s=5) from error
