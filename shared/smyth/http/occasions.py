"""What starts agents besides callers: triggers, schedules, and what they deliver."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from smyth.http.data import Data

if TYPE_CHECKING:
    from smyth.aws.schedules import EventBridgeCalendar
    from smyth.aws.trigger_queue import SqsTriggerQueue
    from smyth.connectors.identity.google import GooglePushTokens
    from smyth.platform.access import Caller
    from smyth.platform.component_calls import ComponentCalls
    from smyth.platform.deliveries import Deliveries
    from smyth.platform.erasure import Erasures
    from smyth.platform.schedule_watch import ScheduleWatch
    from smyth.platform.schedules import Schedules, ScheduleSource
    from smyth.platform.trigger_alerts import TriggerAlerts
    from smyth.platform.trigger_records import Trigger
    from smyth.platform.triggers import Source, Triggers
    from smyth.platform.webhooks import Webhooks


class Occasions(Data):
    """The use cases of events."""

    @cached_property
    def calendar(self) -> EventBridgeCalendar:
        """Where schedules are watched."""
        from smyth.aws.schedules import EventBridgeCalendar

        told = self._settings
        return EventBridgeCalendar(
            told.schedule_group,
            role_arn=told.schedule_role_arn,
            queue_arn=told.trigger_queue_arn,
            dead_letters_arn=told.trigger_dead_letters_arn,
        )

    @cached_property
    def schedule_source(self) -> ScheduleSource:
        """Places triggers of the kinds "schedule" and "component"."""
        from smyth.platform.schedules import ScheduleSource

        return ScheduleSource(self.calendar)

    @cached_property
    def triggers(self) -> Triggers:
        """What starts agents."""
        from smyth.aws.event_rules import EventRules
        from smyth.aws.triggers import DynamoTriggers
        from smyth.platform.triggers import Triggers

        rules = EventRules(self._settings.triggers_bus, queue_arn=self._settings.trigger_queue_arn)
        sources: dict[str, Source] = {
            "event": rules,
            "schedule": self.schedule_source,
            "component": self.schedule_source,
        }
        return Triggers(DynamoTriggers(self.table), self.agents, sources)

    @cached_property
    def erasures(self) -> Erasures:
        """Tenants that go for good, and with them what they have outside the table and the bucket."""
        from smyth.aws.erasure import DynamoErasures
        from smyth.platform.erasure import Erasures, Outside
        from smyth.platform.vector_namespaces import AllNamespaces

        store = DynamoErasures(self.table, self.bucket, self.credential_store)
        outside: list[Outside] = [self.triggers]
        if not self._settings.vectors_in_bucket:
            outside.append(AllNamespaces(self.vectors))
        return Erasures(store, self.tenants, self.fence, outside=outside)

    @cached_property
    def trigger_queue(self) -> SqsTriggerQueue:
        """Where deliveries wait."""
        from smyth.aws.trigger_queue import SqsTriggerQueue

        return SqsTriggerQueue(self._settings.trigger_queue)

    @cached_property
    def deliveries(self) -> Deliveries:
        """What was delivered to triggers, and what became of it."""
        from smyth.aws.triggers import DynamoRuns
        from smyth.platform.deliveries import Deliveries

        return Deliveries(DynamoRuns(self.table), self.trigger_queue, self.trigger_alerts)

    @cached_property
    def trigger_alerts(self) -> TriggerAlerts:
        """What tenants are told of their triggers."""
        from smyth.aws.alerts import DynamoAlerts
        from smyth.platform.trigger_alerts import TriggerAlerts

        return TriggerAlerts(DynamoAlerts(self.table))

    def trigger_caller(self, trigger: Trigger) -> Caller:
        """Return as whom a trigger runs: for its tenant, with the rights of who could set it up.

        Raises:
            Forbidden: The tenant may not run anything now.
        """
        from smyth.aws.access import tenant_caller
        from smyth.platform.errors import Forbidden

        caller = tenant_caller(
            self.table, trigger.tenant_id, role="admin", key_id=trigger.id, public_url=trigger.public_url
        )
        if caller is None or caller.status != "active":
            status = caller.status if caller else "gone"
            raise Forbidden(f"The tenant {trigger.tenant_id} is {status}: nothing of it runs.")
        return caller

    @cached_property
    def schedules(self) -> Schedules:
        """When schedules run, and which never will again."""
        from smyth.platform.schedules import Schedules

        return Schedules(self.calendar, self.deliveries)

    @cached_property
    def schedule_watch(self) -> ScheduleWatch:
        """Who looks for schedules that are dead."""
        from smyth.aws.triggers import DynamoWatch
        from smyth.platform.schedule_watch import ScheduleWatch

        return ScheduleWatch(DynamoWatch(self.table), self.schedules, self.trigger_alerts)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Webhooks that start agents."""
        from smyth.platform.webhooks import Webhooks

        return Webhooks(self.triggers, self.deliveries)

    @cached_property
    def google_tokens(self) -> GooglePushTokens:
        """Proofs that a call is Google's."""
        from smyth.connectors.identity.google import GooglePushTokens

        return GooglePushTokens()

    @cached_property
    def component_calls(self) -> ComponentCalls:
        """Calls of the services behind trigger components."""
        from smyth.platform.component_calls import ComponentCalls

        return ComponentCalls(self.triggers, self.agents, self.deliveries, vault=self.vault, google=self.google_tokens)
