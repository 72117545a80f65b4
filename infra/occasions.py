"""What tenants' schedules and events need: a group of schedules with the role that they act by, and a bus."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Aws
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import names
from infra.customer import Customer


class Occasions(Construct):
    """EventBridge and its Scheduler. Schedules and rules themselves are made by the function that manages triggers."""

    def __init__(self, scope: Construct, id: str, *, customer: Customer, targets: Sequence[sqs.IQueue]) -> None:
        """Make them.

        Args:
            scope: As of every construct.
            id: As of every construct.
            customer: Whose stack it is.
            targets: The queues that schedules send to.
        """
        super().__init__(scope, id)
        group = names.schedule_group(customer.name)
        scheduler.CfnScheduleGroup(self, "Schedules", name=group)
        schedules = f"arn:{Aws.PARTITION}:scheduler:{Aws.REGION}:{Aws.ACCOUNT_ID}:schedule-group/{group}"
        sending = iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[queue.queue_arn for queue in targets])
        self.role = iam.Role(
            self,
            "Send",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                    "ArnEquals": {"aws:SourceArn": schedules},
                },
            ),
            description=f"{names.stack(customer.name)}: schedules send to the queue of triggers",
            inline_policies={"send": iam.PolicyDocument(statements=[sending])},
        )
        self.bus = events.CfnEventBus(
            self,
            "Bus",
            name=names.event_bus(customer.name),
            description="What is put here with a tenant's id in its detail may start that tenant's agents.",
        )
