"""Findings of cdk-nag that are meant to be, each with its reason; nothing else is accepted, and none may be idle."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Accepted:
    """What is accepted: the finding's whole name and the construct's whole path, as patterns."""

    finding: str
    where: str
    reason: str

    def covers(self, finding: str, where: str) -> bool:
        return bool(re.fullmatch(self.finding, finding) and re.fullmatch(self.where, where))


_ARN = r"arn:<AWS::Partition>"

ACCEPTED = (
    Accepted(
        r"AwsSolutions-S1",
        r"smyth-\w+/Storage/Bucket/Resource",
        "Only the functions read the bucket, and each logs its requests; a second bucket of logs would tell less, and "
        "CloudTrail tells of everybody else.",
    ),
    Accepted(
        r"AwsSolutions-SMG4",
        r"smyth-\w+/Secrets/OperatorKey/Resource",
        "The operator's key is known to people and programs outside AWS, so the operator changes it, not a clock.",
    ),
    Accepted(
        r"AwsSolutions-SMG4",
        r"smyth-\w+/Secrets/Stripe/Resource",
        "Stripe makes its keys, so the operator changes them there and here.",
    ),
    Accepted(
        r"AwsSolutions-COG8",
        r"smyth-\w+/SignIn/Pool",
        "The tier with threat protection costs four times as much per person; addresses that try keys and tokens are "
        "refused by the authorizer.",
    ),
    Accepted(
        r"AwsSolutions-APIG2",
        r"smyth-\w+/Api/Api/Resource",
        "The functions check every request against the full schema and tell each fault; the gateway's older dialect "
        "would refuse what they take.",
    ),
    Accepted(
        r"AwsSolutions-APIG3",
        r"smyth-\w+/Api/Api/DeploymentStage.api/Resource",
        "A firewall costs more than the idle rest of the stack; customers who want it set `waf`.",
    ),
    Accepted(
        r"AwsSolutions-IAM4\[Policy::.*:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs\]",
        r"smyth-\w+/Api/Api/CloudWatchRole/Resource",
        "API Gateway takes a role for its logs only with the rights of this policy.",
    ),
    Accepted(
        r"AwsSolutions-L1",
        r"smyth-\w+/Functions/\w+/Resource",
        "Python 3.13 is the version that the layers are built and tested for; it changes with them.",
    ),
    Accepted(
        r"AwsSolutions-SQS3",
        r"smyth-\w+/(Events/|Queues/\w+-)dead-letters/Resource",
        "These are the dead letters of functions and rules, which cdk-nag does not follow.",
    ),
    Accepted(
        r"AwsSolutions-IAM5\[Resource::<StorageBucket\w+\.Arn>/t/\*\]",
        r"smyth-\w+/Functions/[\w-]+-role/Resource",
        "Objects below the tenants' prefix; which tenant's is the authorizer's word, not the role's.",
    ),
    Accepted(
        r"AwsSolutions-IAM5\[Resource::<StorageBucket\w+\.Arn>/ledger/\*\]",
        r"smyth-\w+/Functions/[\w-]*ledger[\w-]*-role/Resource",
        "The ledger's files, whose names bear days and minutes.",
    ),
    Accepted(
        rf"AwsSolutions-IAM5\[Resource::{_ARN}:secretsmanager:.*:secret:smyth/\w+/(credentials/\*|[\w-]+-\?{{6}})\]",
        r"smyth-\w+/Functions/[\w-]*credentials[\w-]*-role/Resource",
        "One secret a tenant below the stack's prefix, made when a tenant keeps its first credential.",
    ),
    Accepted(
        r"AwsSolutions-IAM5\[Resource::<VectorsBucket\w+\.VectorBucketArn>/index/\*\]",
        r"smyth-\w+/Functions/[\w-]*vectors[\w-]*-role/Resource",
        "One index a tenant's namespace, in the stack's own bucket of vectors.",
    ),
    Accepted(
        rf"AwsSolutions-IAM5\[Resource::{_ARN}:(scheduler:.*:schedule|events:.*:rule)/smyth-\w+/\*\]",
        r"smyth-\w+/Functions/[\w-]*occasions[\w-]*-role/Resource",
        "One schedule or rule a trigger, in the stack's own group and bus.",
    ),
    Accepted(
        rf"AwsSolutions-IAM5\[Resource::{_ARN}:apigateway:<AWS::Region>::/(usageplans/<ApiPlan\w+>/keys|apikeys)/\*\]",
        r"smyth-\w+/Functions/[\w-]*usage_keys[\w-]*-role/Resource",
        "API Gateway makes the ids of keys.",
    ),
    Accepted(
        rf"AwsSolutions-IAM5\[Resource::{_ARN}:bedrock:\*:(<AWS::AccountId>)?:"
        r"(foundation-model|inference-profile|guardrail)/\*\]",
        r"smyth-\w+/Functions/[\w-]+-role/Resource",
        "Agents name the models, inference profiles and their regions; the account says which it has.",
    ),
    Accepted(
        r"AwsSolutions-IAM5\[Resource::\*\]",
        r"smyth-\w+/Functions/[\w-]+-role/Resource",
        "Traces have no names: X-Ray's rights to write them cannot be bound to any.",
    ),
    Accepted(
        rf"AwsSolutions-IAM5\[Resource::{_ARN}:cloudwatch:.*:alarm:\*\]",
        r"smyth-\w+/Functions/Shift/Role/Resource",
        "Alarms are described by a list, which has no name of its own.",
    ),
)
