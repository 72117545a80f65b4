"""Gap: MiniStack's EventBridge Scheduler knows UTC only, forgets at a restart what it ran, and says no scheduled time.

Its clock is replaced: each second it runs what came due since the last, by the product's own rules, each in its zone.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from smyth.platform.schedule_rules import ScheduleRule
from smyth.platform.times import Clock, utc_now

_LOG = logging.getLogger(__name__)
#: So far back we look after a start: what a stop within its minute kept from running runs then. Whatever ran before
#: runs once all the same, for its delivery bears the scheduled time.
_LOOK_BACK = timedelta(minutes=1)
_PLACEHOLDER = "<aws.scheduler.scheduled-time>"
_RULES = {"cron": "cron", "rate": "every", "at": "at"}

#: Sends a target's input under an account and region.
Fire = Callable[[tuple[str, str, str], Mapping[str, Any], datetime], None]


def bridge() -> None:
    """Take over the emulator's clock; call it in its process, before it starts."""
    from ministack.services import scheduler  # type: ignore[import-untyped]

    ticker = Ticker(scheduler._schedules._data, _fire)
    scheduler._tick_schedules = ticker.tick
    scheduler._SCHEDULE_TICK_INTERVAL = 1


class Ticker:
    """Runs schedules when they come due."""

    def __init__(self, schedules: dict[tuple[str, str, str], dict[str, Any]], fire: Fire, clock: Clock = utc_now):
        self._schedules = schedules
        self._fire = fire
        self._now = clock
        self._until = clock() - _LOOK_BACK

    def tick(self) -> None:
        """Run what came due since the last call, or in the last minute where that is longer ago."""
        now = self._now()
        since, self._until = max(self._until, now - _LOOK_BACK), now
        for key, schedule in list(self._schedules.items()):
            if schedule.get("State") != "ENABLED":
                continue
            try:
                for due in _due(schedule, since, now):
                    self._fire(key, schedule, due)
            except Exception:
                # One schedule's failure must not keep the others from running.
                _LOG.exception("the schedule %s did not run", key[-1])
            if _is_over(schedule, now):
                self._schedules.pop(key, None)


def _due(schedule: Mapping[str, Any], since: datetime, now: datetime) -> Iterator[datetime]:
    rule = _rule(schedule)
    if rule is None:
        return
    changed = _moment(schedule["LastModificationDate"])
    for due in rule.runs(after=max(since, changed), created_at=_moment(schedule["CreationDate"])):
        if due > now:
            return
        yield due


def _rule(schedule: Mapping[str, Any]) -> ScheduleRule | None:
    expression = schedule["ScheduleExpression"]
    kind = _RULES.get(expression.partition("(")[0])
    if kind is None:
        return None
    rule = {kind: expression, "time_zone": schedule.get("ScheduleExpressionTimezone") or "UTC"}
    limits = {"starts_at": schedule.get("StartDate"), "ends_at": schedule.get("EndDate")}
    try:
        return ScheduleRule.model_validate(rule | ({} if kind == "at" else limits))
    except ValidationError as error:
        _LOG.warning("a schedule of the emulator cannot run: %s", error)
        return None


def _is_over(schedule: Mapping[str, Any], now: datetime) -> bool:
    """Whether it has run for the last time and is to go then."""
    if schedule.get("ActionAfterCompletion") != "DELETE":
        return False
    rule = _rule(schedule)
    created = _moment(schedule["CreationDate"])
    # Only once nothing due can be looked back for any more.
    return rule is not None and not rule.next_runs(1, after=now - _LOOK_BACK, created_at=created)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _fire(key: tuple[str, str, str], schedule: Mapping[str, Any], due: datetime) -> None:
    from ministack.core.responses import (  # type: ignore[import-untyped]
        get_account_id,
        get_region,
        set_request_account_id,
        set_request_region,
    )
    from ministack.services import eventbridge

    previous = get_account_id(), get_region()
    account, region, _ = key
    target = dict(schedule["Target"])
    target["Input"] = str(target.get("Input") or "{}").replace(_PLACEHOLDER, f"{due:%Y-%m-%dT%H:%M:%SZ}")
    event = {
        "EventId": "",
        "Source": "aws.scheduler",
        "DetailType": "Scheduled Event",
        "Detail": json.dumps({}),
        "Time": due.timestamp(),
        "Resources": [schedule["Arn"]],
        "Account": account,
        "Region": region,
    }
    set_request_account_id(account)
    set_request_region(region)
    try:
        eventbridge._invoke_target(target, event, schedule)
    finally:
        set_request_account_id(previous[0])
        set_request_region(previous[1])
