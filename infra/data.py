"""The one table (keys: design of the data; one item kind per access pattern)."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra import names
from infra.customer import Customer

LEASE_INDEX = "lease"


class Data(Construct):
    """DynamoDB, paid per request."""

    def __init__(self, scope: Construct, id: str, *, customer: Customer, key: kms.IKey | None) -> None:
        super().__init__(scope, id)
        keep = customer.data.keep
        self.table = dynamodb.Table(
            self,
            "Table",
            table_name=names.stack(customer.name),
            partition_key=_text("pk"),
            sort_key=_text("sk"),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires_at",
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED if key else dynamodb.TableEncryption.AWS_MANAGED,
            encryption_key=key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=customer.data.point_in_time_recovery
            ),
            deletion_protection=keep,
            removal_policy=RemovalPolicy.RETAIN if keep else RemovalPolicy.DESTROY,
        )
        # Sparse: only ledger entries that are still reserved bear these keys; the sweeper reads the entry itself anew.
        self.table.add_global_secondary_index(
            index_name=LEASE_INDEX,
            partition_key=_text("lease_pk"),
            sort_key=_text("lease_sk"),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
