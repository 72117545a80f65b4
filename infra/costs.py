"""What a stack costs a month: its synthesised template says what there is, the price table what that costs.

List prices without AWS's free allowances, which are an account's and not a stack's. Every line is rounded to whole
micro-USD, so that the lines add up to the sums.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from infra.changes import Template
from infra.prices import Prices

_MICRO = Decimal(1_000_000)
_HOURS = 730
_SECONDS = _HOURS * 3600
_GB = Decimal(1_000_000_000)
_MINUTES = {"minute": 1, "hour": 60, "day": 1440}
#: API Gateway's detailed metrics: count, latency, integration latency, client and server errors of a method.
_METRICS_PER_METHOD = 5

#: What the lines of an estimate are for.
PRICED = {
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::DynamoDB::Table",
    "AWS::Events::Rule",
    "AWS::KMS::Key",
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
    "AWS::WAFv2::WebACL",
}
#: What costs nothing, or, like a queue of dead letters and a mail about an alarm, nothing to speak of.
FREE = {
    "AWS::ApiGateway::Account",
    "AWS::ApiGateway::BasePathMapping",
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::DomainName",
    "AWS::ApiGateway::GatewayResponse",
    "AWS::ApiGateway::UsagePlan",
    "AWS::Budgets::Budget",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::KMS::Alias",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
    "AWS::Route53::RecordSet",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::WAFv2::WebACLAssociation",
}

Kind = Literal["idle", "use", "model"]


class CostError(ValueError):
    """The costs cannot be told; the message says why."""


@dataclass(frozen=True, slots=True)
class Use:
    """What is asked of the stack in a month."""

    requests: int = 0
    #: In the bucket, older versions of files included.
    storage_gb: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Assumed:
    """What one request, and one call by the clock, is taken to need. Change it here when you have measured yours."""

    #: A function waits for the model most of the time, and waiting is paid for.
    request_seconds: Decimal = Decimal(3)
    authorizer_seconds: Decimal = Decimal("0.02")
    tick_seconds: Decimal = Decimal("0.1")
    #: Key, tenant, agent and meter are read; a transaction costs double, for admission and for settlement.
    reads: int = 6
    writes: int = 8
    tick_reads: int = 1
    #: The agent's document.
    objects_read: int = 1
    #: Uses of the customer's key, where there is one.
    key_uses: int = 2
    #: The ledger's entry, and the conversation's turn.
    stored_bytes: int = 3000
    log_bytes: int = 2000
    tick_log_bytes: int = 600
    response_bytes: int = 4000
    #: Of all requests, those that meet a new instance.
    cold_share: Decimal = Decimal("0.02")


@dataclass(frozen=True, slots=True)
class Line:
    """One position of the bill."""

    kind: Kind
    service: str
    what: str
    quantity: Decimal
    #: In US dollars.
    price: Decimal

    @property
    def micro_usd(self) -> int:
        """What it costs a month."""
        return int((self.quantity * self.price * _MICRO).to_integral_value(ROUND_HALF_UP))


@dataclass(frozen=True, slots=True)
class Estimate:
    """A month."""

    lines: tuple[Line, ...]
    #: Types of resources that the stack has and nobody has priced here.
    uncounted: tuple[str, ...] = ()

    def micro_usd(self, kind: Kind | None = None) -> int:
        """The sum of one kind of lines, or of all."""
        return sum(line.micro_usd for line in self.lines if kind in (None, line.kind))


def estimate(template: Template, prices: Prices, use: Use, assumed: Assumed | None = None) -> Estimate:
    """The month of a stack, without its models.

    Args:
        template: As synthesised.
        prices: Of its region.
        use: What is asked of it; nothing but storage is idle.
        assumed: What requests need; None: as :class:`Assumed` says.
    """
    stack = _Stack(template)
    needs = assumed or Assumed()
    lines = [*_kept(stack, prices), *_woken(stack, prices, needs), *_stored(stack, prices, use)]
    if use.requests:
        lines += _asked(stack, prices, needs, use.requests)
    return Estimate(tuple(line for line in lines if line.micro_usd), stack.uncounted())


class _Stack:
    """A template by what is paid for."""

    def __init__(self, template: Template) -> None:
        self._resources: dict[str, dict[str, Any]] = template["Resources"]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The properties of the resources of a type."""
        found = [one for one in self._resources.values() if one["Type"] == kind]
        return [one.get("Properties", {}) for one in found]

    def function(self, name: str) -> dict[str, Any]:
        """A function by the end of its physical name."""
        for one in self.of("AWS::Lambda::Function"):
            if str(one["FunctionName"]).endswith(f"-{name}"):
                return one
        raise CostError(f"The template has no function {name}, which requests are reckoned by.")

    def behind(self, reference: Any) -> dict[str, Any]:
        """The function that a property refers to, by itself or by an alias of it."""
        match reference:
            case {"Fn::GetAtt": [str(id), *_]} | {"Ref": str(id)}:
                resource = self._resources[id]
            case _:
                raise CostError(f"It cannot be told which function {reference} is.")
        properties: dict[str, Any] = resource["Properties"]
        return properties if resource["Type"] == "AWS::Lambda::Function" else self.behind(properties["FunctionName"])

    def uncounted(self) -> tuple[str, ...]:
        """The types of resources whose price is not known here."""
        return tuple(sorted({one["Type"] for one in self._resources.values()} - PRICED - FREE))


def _kept(stack: _Stack, prices: Prices) -> Iterator[Line]:
    """What is paid for by the month for being there."""

    def line(service: str, what: str, quantity: int | Decimal, unit: str) -> Line:
        return Line("idle", service, what, Decimal(quantity), prices.of(service, unit))

    yield line("secrets-manager", "secrets", len(stack.of("AWS::SecretsManager::Secret")), "secret-month")
    yield line(
        "cloudwatch", "metrics watched by alarms", sum(map(_watched, stack.of("AWS::CloudWatch::Alarm"))), "alarm-month"
    )
    yield line("cloudwatch", "dashboards", len(stack.of("AWS::CloudWatch::Dashboard")), "dashboard-month")
    yield line("kms", "keys", len(stack.of("AWS::KMS::Key")), "key-month")
    lists = stack.of("AWS::WAFv2::WebACL")
    yield line("waf", "access lists", len(lists), "acl-month")
    yield line("waf", "rules", sum(len(acl.get("Rules", ())) for acl in lists), "rule-month")
    snapshots = sum(
        (_memory_gb(function) for function in stack.of("AWS::Lambda::Function") if _snapshot(function)), Decimal(0)
    )
    yield line("lambda", "snapshots kept, GB seconds", snapshots * _SECONDS, "snapshot-gb-second")


def _woken(stack: _Stack, prices: Prices, assumed: Assumed) -> Iterator[Line]:
    """What the clock calls, whether anybody asks or not."""
    for rule in stack.of("AWS::Events::Rule"):
        calls = _calls_per_month(rule.get("ScheduleExpression", ""))
        for target in rule["Targets"] if calls else ():
            yield from _calls(stack.behind(target["Arn"]), "by the clock", calls, assumed.tick_seconds, prices, "idle")
            yield Line(
                "idle", "dynamodb", "reads by the clock", calls * assumed.tick_reads, prices.of("dynamodb", "read-unit")
            )
            gigabytes = calls * assumed.tick_log_bytes / _GB
            yield Line(
                "idle",
                "cloudwatch-logs",
                "logs by the clock, GB",
                gigabytes,
                prices.of("cloudwatch-logs", "ingested-gb"),
            )


def _stored(stack: _Stack, prices: Prices, use: Use) -> Iterator[Line]:
    if stack.of("AWS::S3::Bucket"):
        yield Line("idle", "s3", "stored, GB", use.storage_gb, prices.of("s3", "gb-month"))


def _asked(stack: _Stack, prices: Prices, assumed: Assumed, requests: int) -> Iterator[Line]:
    """What requests cost, each of which is a turn of an agent."""
    function = stack.function("prompt_agent")
    count = Decimal(requests)

    def line(service: str, what: str, quantity: Decimal, unit: str) -> Line:
        return Line("use", service, what, quantity, prices.of(service, unit))

    yield line("api-gateway", "requests", count, "request")
    yield from _calls(function, "of agents", count, assumed.request_seconds, prices, "use")
    yield from _calls(
        stack.function("authorizer"), "of the authorizer", count, assumed.authorizer_seconds, prices, "use"
    )
    if _snapshot(function):
        restored = count * assumed.cold_share * _memory_gb(function)
        yield line("lambda", "snapshots restored, GB", restored, "snapshot-restored-gb")
    yield line("dynamodb", "reads", count * assumed.reads, "read-unit")
    yield line("dynamodb", "writes", count * assumed.writes, "write-unit")
    written = count * assumed.stored_bytes / _GB
    yield line("dynamodb", "stored by a month's requests, GB", written, "gb-month")
    recoverable = any(_recoverable(table) for table in stack.of("AWS::DynamoDB::Table"))
    yield line("dynamodb", "recoverable, GB", written * recoverable, "recovery-gb-month")
    yield line("s3", "documents read", count * assumed.objects_read, "get")
    logged = count * assumed.log_bytes / _GB
    yield line("cloudwatch-logs", "logs, GB", logged, "ingested-gb")
    yield line("cloudwatch-logs", "logs kept, GB", logged, "gb-month")
    yield line("cloudwatch", "detailed metrics of the API", _detailed_metrics(stack, count), "metric-month")
    yield line("kms", "uses of keys", count * assumed.key_uses * len(stack.of("AWS::KMS::Key")), "request")
    traced = any(one.get("TracingConfig", {}).get("Mode") == "Active" for one in stack.of("AWS::Lambda::Function"))
    yield line("x-ray", "traces", count * traced, "trace")
    yield line("waf", "requests", count * len(stack.of("AWS::WAFv2::WebACL")), "request")
    yield line("data-transfer", "answers, GB", count * assumed.response_bytes / _GB, "gb-out")


def _calls(
    function: dict[str, Any], of: str, calls: Decimal, seconds: Decimal, prices: Prices, kind: Kind
) -> Iterator[Line]:
    yield Line(kind, "lambda", f"calls {of}", calls, prices.of("lambda", "request"))
    compute = calls * seconds * _memory_gb(function)
    yield Line(kind, "lambda", f"compute {of}, GB seconds", compute, prices.of("lambda", _gb_second(function)))


def _memory_gb(function: dict[str, Any]) -> Decimal:
    return Decimal(function.get("MemorySize", 128)) / 1024


def _gb_second(function: dict[str, Any]) -> str:
    [architecture] = function.get("Architectures", ["x86_64"])
    return f"gb-second-{architecture}"


def _snapshot(function: dict[str, Any]) -> bool:
    return bool(function.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions")


def _watched(alarm: dict[str, Any]) -> int:
    """An alarm is paid for by the metrics that it adds up."""
    return max(1, sum("MetricStat" in metric for metric in alarm.get("Metrics", ())))


def _recoverable(table: dict[str, Any]) -> bool:
    return bool(table.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled"))


def _detailed_metrics(stack: _Stack, requests: Decimal) -> Decimal:
    """Metrics of the methods that need a plan, in months; an hour in which a method is not called is free."""
    if not any(
        setting.get("MetricsEnabled")
        for stage in stack.of("AWS::ApiGateway::Stage")
        for setting in stage.get("MethodSettings", ())
    ):
        return Decimal(0)
    methods = len(
        [
            operation
            for api in stack.of("AWS::ApiGateway::RestApi")
            for path in api.get("Body", {}).get("paths", {}).values()
            for operation in path.values()
            if any("api_key" in needed for needed in operation.get("security", ()))
        ]
    )
    hours = min(requests, Decimal(methods * _HOURS))
    return _METRICS_PER_METHOD * hours / _HOURS


def _calls_per_month(schedule: str) -> Decimal:
    """How often a rule fires.

    Raises:
        CostError: It is no ``rate(...)``.
    """
    if not schedule:
        return Decimal(0)
    found = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", schedule)
    if found is None:
        raise CostError(f"It cannot be told how often the schedule '{schedule}' fires; write it as a rate.")
    return Decimal(_HOURS * 60) / (int(found[1]) * _MINUTES[found[2]])
