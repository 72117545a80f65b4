"""Work that waits for a function: documents to be indexed, and what is to start agents.

A message that fails is tried again; after :data:`RECEIVES` times it is kept among the dead letters of its queue.
"""

from __future__ import annotations

from aws_cdk import Aws, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import names
from infra.customer import Customer
from smyth.platform.routes import FUNCTIONS

#: The queues, and the function that works each of them off.
WORKERS = {"knowledge": "index_knowledge", "triggers": "run_trigger"}
#: How often a message is handed out before it is a dead letter.
RECEIVES = 8
#: Beyond the time that a function has, so that no message is handed out while it is still worked on.
_SPARE_S = 30


class Queues(Construct):
    """SQS, and the mappings by which Lambda calls the workers."""

    def __init__(self, scope: Construct, id: str, *, customer: Customer) -> None:
        super().__init__(scope, id)
        self._customer = customer
        self.dead_letters = {name: self._dead_letters(name) for name in WORKERS}
        self.work = {name: self._work(name) for name in WORKERS}
        self._policy("knowledge", [])
        self._policy("triggers", [self._by_rules()])

    def wake(self, worker: lambda_.IFunction, queue: str, *, at_once: int) -> None:
        """Have a function called with each message of a queue, ``at_once`` of them at the same time at most."""
        lambda_.EventSourceMapping(
            self,
            f"{queue}-worker",
            target=worker,
            event_source_arn=self.work[queue].queue_arn,
            # A document or a run may take the whole time that a function has.
            batch_size=1,
            report_batch_item_failures=True,
            max_concurrency=at_once,
        )

    def _work(self, name: str) -> sqs.Queue:
        [timeout_s] = [one.timeout_s for one in FUNCTIONS if one.name == WORKERS[name]]
        return sqs.Queue(
            self,
            name,
            queue_name=names.queue(self._customer.name, name),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            visibility_timeout=Duration.seconds(timeout_s + _SPARE_S),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters[name], max_receive_count=RECEIVES),
            retention_period=Duration.days(4),
        )

    def _dead_letters(self, name: str) -> sqs.Queue:
        return sqs.Queue(
            self,
            f"{name}-dead-letters",
            queue_name=names.queue_dead_letters(self._customer.name, name),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            # Longer than the queue itself: a message's age goes on counting.
            retention_period=Duration.days(14),
        )

    def _policy(self, name: str, allowed: list[iam.PolicyStatement]) -> None:
        """One policy for a queue and its dead letters; in it the resource ``*`` is the queue that has it."""
        by_tls_only = iam.PolicyStatement(
            effect=iam.Effect.DENY,
            principals=[iam.AnyPrincipal()],
            actions=["sqs:*"],
            resources=["*"],
            conditions={"Bool": {"aws:SecureTransport": "false"}},
        )
        sqs.CfnQueuePolicy(
            self,
            f"{name}-policy",
            queues=[self.work[name].queue_url, self.dead_letters[name].queue_url],
            policy_document=iam.PolicyDocument(statements=[by_tls_only, *allowed]),
        )

    def _by_rules(self) -> iam.PolicyStatement:
        """Rules of the stack's own bus, one for each trigger that waits for events, hand them to the queue."""
        bus = names.event_bus(self._customer.name)
        rules = f"arn:{Aws.PARTITION}:events:{Aws.REGION}:{Aws.ACCOUNT_ID}:rule/{bus}/*"
        return iam.PolicyStatement(
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            actions=["sqs:SendMessage"],
            resources=["*"],
            conditions={"ArnLike": {"aws:SourceArn": rules}},
        )
