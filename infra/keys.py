"""The customer's own encryption key, where one is wanted."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra import names
from infra.customer import Customer

#: What whoever reads and writes through DynamoDB, S3 and Secrets Manager needs of the key.
USE = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)


class Keys(Construct):
    """KMS. It is the account's: its owner may look at, disable and delete it, which ends all access to the data."""

    def __init__(self, scope: Construct, id: str, *, customer: Customer) -> None:
        super().__init__(scope, id)
        key = kms.Key(
            self,
            "Key",
            alias=f"alias/{names.stack(customer.name)}",
            description=f"{names.stack(customer.name)}: table, bucket, secrets, vectors, logs and alarms",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN if customer.data.keep else RemovalPolicy.DESTROY,
        )
        logs = f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:"
        ours = [f"{logs}/aws/*/{names.stack(customer.name)}*", f"{logs}API-Gateway-Execution-Logs_*"]
        key.add_to_resource_policy(
            _may_use(f"logs.{Aws.REGION}.amazonaws.com", {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": ours}})
        )
        # Alarms speak to an encrypted topic only with the key.
        account = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
        key.add_to_resource_policy(_may_use("cloudwatch.amazonaws.com", account))
        self.key = key


def _may_use(service: str, conditions: Mapping[str, object]) -> iam.PolicyStatement:
    # In a key's own policy the resource "*" is this key.
    return iam.PolicyStatement(
        principals=[iam.ServicePrincipal(service)], actions=list(USE), resources=["*"], conditions=conditions
    )
