"""The table of permissions as IAM statements."""

from __future__ import annotations

from aws_cdk import Aws
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from infra import names
from infra.data import LEASE_INDEX
from infra.keys import USE
from infra.permissions import (
    AUDIT_ACTIONS,
    AUDIT_PARTITIONS,
    OBJECT_ACTIONS,
    RULE_ACTIONS,
    SCHEDULE_ACTIONS,
    SECRET_ACTIONS,
    SEND_ACTIONS,
    STREAM_ACTIONS,
    TABLE_ACTIONS,
    TAKE_ACTIONS,
    Grant,
)
from infra.storage import LEDGER, TENANTS


def statements(
    grant: Grant,
    *,
    table: dynamodb.ITable,
    bucket: s3.IBucket,
    operator_secret: str,
    stripe_secret: str | None,
    mail_from: str | None,
    event_bus: str,
    usage_plan_ids: dict[str, str],
    code_function: str,
    dead_letters: str,
    customer: str,
    vectors: list[iam.PolicyStatement],
    schedule_role: str,
    key_arn: str | None = None,
) -> list[iam.PolicyStatement]:
    """The statements that grant exactly what ``grant`` says."""
    said = []
    if grant.table != "none":
        said.append(_allow(TABLE_ACTIONS[grant.table], table.table_arn))
    if grant.audit:
        said.append(_audit(table))
    if grant.leases:
        said.append(_allow(("dynamodb:Query",), f"{table.table_arn}/index/{LEASE_INDEX}"))
    if grant.bucket != "none":
        said.append(_allow(OBJECT_ACTIONS[grant.bucket], bucket.arn_for_objects(f"{TENANTS}*")))
        # Without the right to list, S3 answers a missing object with 403 instead of 404.
        said.append(_allow(("s3:ListBucket",), bucket.bucket_arn))
    if grant.ledger:
        # Reading too: a file is written only over the version that was read.
        said.append(_allow(("s3:GetObject", "s3:PutObject"), bucket.arn_for_objects(f"{LEDGER}*")))
        said.append(_allow(("s3:ListBucket",), bucket.bucket_arn))
    if grant.erase:
        said.append(_allow(("dynamodb:Scan",), table.table_arn))
        said.append(_allow(("s3:DeleteObjectVersion",), bucket.arn_for_objects(f"{TENANTS}*")))
        said.append(_allow(("s3:ListBucketVersions",), bucket.bucket_arn))
    if grant.operator_key:
        said.append(_secret(operator_secret))
    if grant.stripe and stripe_secret:
        said.append(_secret(stripe_secret))
    if grant.notify:
        said.extend(_notify(mail_from, event_bus))
    if grant.stream:
        said.append(_allow(STREAM_ACTIONS, str(table.table_stream_arn)))
    if grant.usage_keys:
        said.extend(_usage_keys(usage_plan_ids))
    if grant.run_code:
        said.append(_allow(("lambda:InvokeFunction",), code_function))
    if grant.dead_letters:
        queue = f"arn:{Aws.PARTITION}:sqs:{Aws.REGION}:{Aws.ACCOUNT_ID}:{dead_letters}"
        said.append(_allow(("sqs:SendMessage",), queue))
    said.extend(_of_data(grant, customer=customer, vectors=vectors))
    if grant.occasions:
        said.extend(_occasions(customer, schedule_role))
    if key_arn and (
        grant.ledger or grant.table != "none" or grant.audit or grant.bucket != "none" or grant.operator_key
    ):
        said.append(_allow(USE, key_arn))
    return said


def _of_data(grant: Grant, *, customer: str, vectors: list[iam.PolicyStatement]) -> list[iam.PolicyStatement]:
    """Rights to credentials, queues and the place of vectors."""
    said = []
    if grant.credentials != "none":
        secrets = f"arn:{Aws.PARTITION}:secretsmanager:{Aws.REGION}:{Aws.ACCOUNT_ID}:secret:"
        said.append(_allow(SECRET_ACTIONS[grant.credentials], f"{secrets}{names.credentials(customer)}*"))
    queues = f"arn:{Aws.PARTITION}:sqs:{Aws.REGION}:{Aws.ACCOUNT_ID}:"
    if grant.sends:
        said.append(_allow(SEND_ACTIONS, *(f"{queues}{names.queue(customer, name)}" for name in grant.sends)))
    if grant.takes:
        said.append(_allow(TAKE_ACTIONS, *(f"{queues}{names.queue(customer, name)}" for name in grant.takes)))
    return [*said, *(vectors if grant.vectors else ())]


def _occasions(customer: str, schedule_role: str) -> list[iam.PolicyStatement]:
    """Rights to schedules of the stack's group, which act by its role, and to rules of its bus."""
    schedules = f"arn:{Aws.PARTITION}:scheduler:{Aws.REGION}:{Aws.ACCOUNT_ID}:schedule/"
    rules = f"arn:{Aws.PARTITION}:events:{Aws.REGION}:{Aws.ACCOUNT_ID}:rule/"
    return [
        _allow(SCHEDULE_ACTIONS, f"{schedules}{names.schedule_group(customer)}/*"),
        _allow(("iam:PassRole",), schedule_role),
        _allow(RULE_ACTIONS, f"{rules}{names.event_bus(customer)}/*"),
    ]


def _secret(name: str) -> iam.PolicyStatement:
    """The right to read a secret, by name: Secrets Manager adds six signs of its own to the ARN."""
    secrets = f"arn:{Aws.PARTITION}:secretsmanager:{Aws.REGION}:{Aws.ACCOUNT_ID}:secret:"
    return _allow(("secretsmanager:GetSecretValue",), f"{secrets}{name}-??????")


def _notify(mail_from: str | None, event_bus: str) -> list[iam.PolicyStatement]:
    said = []
    if mail_from:
        # Verified in SES is either the address or its domain.
        identities = f"arn:{Aws.PARTITION}:ses:{Aws.REGION}:{Aws.ACCOUNT_ID}:identity/"
        mail = _allow(("ses:SendEmail",), f"{identities}{mail_from}", f"{identities}{mail_from.partition('@')[2]}")
        mail.add_condition("StringEquals", {"ses:FromAddress": mail_from})
        said.append(mail)
    if event_bus:
        buses = f"arn:{Aws.PARTITION}:events:{Aws.REGION}:{Aws.ACCOUNT_ID}:event-bus/"
        said.append(_allow(("events:PutEvents",), f"{buses}{event_bus}"))
    return said


def _audit(table: dynamodb.ITable) -> iam.PolicyStatement:
    """The right to write the audit's items, told from others by their partition."""
    return iam.PolicyStatement(
        actions=list(AUDIT_ACTIONS),
        resources=[table.table_arn],
        conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(AUDIT_PARTITIONS)}},
    )


def bedrock() -> list[iam.PolicyStatement]:
    """Every model of Bedrock that the account has: which one is asked stands in agents and plans, not in the stack."""
    ours = f"arn:{Aws.PARTITION}:bedrock:*:{Aws.ACCOUNT_ID}"
    models = f"arn:{Aws.PARTITION}:bedrock:*::foundation-model/*"
    return [
        _allow(("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"), models, f"{ours}:inference-profile/*"),
        _allow(("bedrock:ApplyGuardrail",), f"{ours}:guardrail/*"),
    ]


def tracing() -> list[iam.PolicyStatement]:
    """The right to write traces, which have no names that it could be bound to."""
    return [_allow(("xray:PutTraceSegments", "xray:PutTelemetryRecords"), "*")]


def _usage_keys(usage_plan_ids: dict[str, str]) -> list[iam.PolicyStatement]:
    gateway = f"arn:{Aws.PARTITION}:apigateway:{Aws.REGION}::"
    keys_of_plans = [f"{gateway}/usageplans/{id}/keys" for id in usage_plan_ids.values()]
    return [
        _allow(("apigateway:GET", "apigateway:POST"), f"{gateway}/apikeys"),
        _allow(("apigateway:POST",), *keys_of_plans),
        # API Gateway makes the ids of keys, so no narrower names exist.
        _allow(("apigateway:DELETE",), f"{gateway}/apikeys/*", *(f"{keys}/*" for keys in keys_of_plans)),
    ]


def _allow(actions: tuple[str, ...], *resources: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=list(resources))
