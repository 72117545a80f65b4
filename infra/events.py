"""What wakes functions besides the API: new objects and the clock. What they cannot handle is kept in a queue."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import names
from infra.customer import Customer
from infra.storage import TENANTS

#: Rare enough to cost nothing when idle, often enough for leases that ended.
TICK = Duration.minutes(5)


class Events(Construct):
    """EventBridge rules, and one queue for what they and their functions could not do."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        customer: Customer,
        bucket: s3.IBucket,
        object_created: lambda_.IFunction,
        schedule_tick: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, id)
        self._customer = customer
        self.dead_letters = sqs.Queue(
            self,
            "dead-letters",
            queue_name=names.dead_letters(customer.name),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        created = events.EventPattern(
            source=["aws.s3"],
            detail_type=["Object Created"],
            detail={"bucket": {"name": [bucket.bucket_name]}, "object": {"key": [{"prefix": TENANTS}]}},
        )
        self._rule("object_created", object_created, event_pattern=created)
        self._rule("schedule_tick", schedule_tick, schedule=events.Schedule.rate(TICK))

    def _rule(
        self,
        name: str,
        function: lambda_.IFunction,
        *,
        event_pattern: events.EventPattern | None = None,
        schedule: events.Schedule | None = None,
    ) -> None:
        function.configure_async_invoke(
            on_failure=destinations.SqsDestination(self.dead_letters), retry_attempts=2, max_event_age=Duration.hours(6)
        )
        events.Rule(
            self,
            name,
            rule_name=names.function(self._customer.name, name),
            event_pattern=event_pattern,
            schedule=schedule,
            targets=[targets.LambdaFunction(function, dead_letter_queue=self.dead_letters, retry_attempts=2)],
        )
