"""What wakes functions besides the API: objects that came or went, the clock and changes of the table.

What they cannot handle is kept in a queue.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import names
from infra.customer import Customer
from infra.storage import TENANTS

#: Folders of a tenant whose objects wake a function: uploads, agents' files, documents that agents know. What the
#: functions keep for themselves, as vectors and the pieces of indexing, wakes nobody.
TOLD = ("files", "fs", "knowledge")
#: Rare enough to cost nothing when idle, often enough for leases that ended.
TICK = Duration.minutes(5)
#: The changes that smyth/aws/stream.py sorts; all others wake nobody. AWS takes five patterns, and they know no
#: pattern for the middle of a key, so items are told by what they hold.
CHANGES: tuple[dict[str, Any], ...] = (
    # Ledger entries that became final.
    {"dynamodb": {"NewImage": {"status": {"S": ["settled", "released"]}}}},
    # Meters that counted, and budgets that were spent from.
    {"dynamodb": {"NewImage": {"used": {"N": [{"exists": True}]}}}},
    {"dynamodb": {"NewImage": {"spent": {"N": [{"exists": True}]}}}},
    # Alerts that want to be delivered.
    {"eventName": ["INSERT", "MODIFY"], "dynamodb": {"Keys": {"sk": {"S": [{"prefix": "SENT#"}]}}}},
    # Tenants.
    {"dynamodb": {"Keys": {"sk": {"S": ["META"]}}, "NewImage": {"plan": {"S": [{"exists": True}]}}}},
)


class Events(Construct):
    """EventBridge rules, and one queue for what they and their functions could not do."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        customer: Customer,
        bucket: s3.IBucket,
        table: dynamodb.ITable,
        table_changes: lambda_.IFunction,
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
        changed = events.EventPattern(
            source=["aws.s3"],
            detail_type=["Object Created", "Object Deleted"],
            detail={
                "bucket": {"name": [bucket.bucket_name]},
                "object": {"key": [{"wildcard": f"{TENANTS}*/{folder}/*"} for folder in TOLD]},
            },
        )
        self._rule("object_created", object_created, event_pattern=changed)
        self._rule("schedule_tick", schedule_tick, schedule=events.Schedule.rate(TICK))
        self._stream(table, table_changes)

    def _stream(self, table: dynamodb.ITable, function: lambda_.IFunction) -> None:
        """Let the function follow the table, in order; what fails is halved until the one bad change is found."""
        lambda_.EventSourceMapping(
            self,
            "table_changes",
            target=function,
            event_source_arn=table.table_stream_arn,
            # After a first deployment also what was written before it.
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=100,
            # Many changes of a busy minute become one call.
            max_batching_window=Duration.seconds(0 if self._customer.layer == "source" else 5),
            filters=[lambda_.FilterCriteria.filter(pattern) for pattern in CHANGES],
            bisect_batch_on_error=True,
            retry_attempts=10,
            # The stream forgets after a day; what waited longer than this is told in the queue while it is still there.
            max_record_age=Duration.hours(12),
            on_failure=sources.SqsDlq(self.dead_letters),
        )

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
