"""What a stack costs a month: its synthesised template says what there is, the price table what that costs.

List prices without AWS's free allowances, which are an account's and not a stack's. Every line is rounded to whole
micro-USD, so that the lines add up to the sums.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from infra.changes import Template
from infra.priced_stack import (
    HOURS,
    PricedStack,
    calls_per_month,
    gb_second_unit,
    has_snapshot,
    is_recoverable,
    memory_gb,
    metrics_watched,
)
from infra.prices import Prices

_MICRO = Decimal(1_000_000)
_SECONDS = HOURS * 3600
_GB = Decimal(1_000_000_000)
#: API Gateway's detailed metrics: count, latency, integration latency, client and server errors of a method.
_METRICS_PER_METHOD = 5

#: How many pollers Lambda has at each queue at least, and how long each waits for a message.
_POLLERS = 5
_POLL_SECONDS = 20

Kind = Literal["idle", "use", "model"]


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
    #: What follows a request: its entry and its meters come by the table's stream, at worst in a call of their own.
    changes_seconds: Decimal = Decimal("0.2")
    changes_reads: int = 4
    #: Key, tenant, agent and meter are read; a transaction costs double, for admission and for settlement.
    reads: int = 6
    writes: int = 8
    #: Some ten questions whether anything is due; an empty answer costs half a unit.
    tick_reads: int = 5
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
    stack = PricedStack(template)
    needs = assumed or Assumed()
    lines = [*_kept(stack, prices), *_woken(stack, prices, needs), *_stored(stack, prices, use)]
    if use.requests:
        lines += _asked(stack, prices, needs, use.requests)
    return Estimate(tuple(line for line in lines if line.micro_usd), stack.uncounted())


def _kept(stack: PricedStack, prices: Prices) -> Iterator[Line]:
    """What is paid for by the month for being there."""

    def line(service: str, what: str, quantity: int | Decimal, unit: str) -> Line:
        return Line("idle", service, what, Decimal(quantity), prices.of(service, unit))

    yield line("secrets-manager", "secrets", len(stack.of("AWS::SecretsManager::Secret")), "secret-month")
    yield line(
        "cloudwatch",
        "metrics watched by alarms",
        sum(map(metrics_watched, stack.of("AWS::CloudWatch::Alarm"))),
        "alarm-month",
    )
    yield line("cloudwatch", "dashboards", len(stack.of("AWS::CloudWatch::Dashboard")), "dashboard-month")
    yield line("kms", "keys", len(stack.of("AWS::KMS::Key")), "key-month")
    machines = [
        client
        for client in stack.of("AWS::Cognito::UserPoolClient")
        if "client_credentials" in client.get("AllowedOAuthFlows", ())
    ]
    yield line("cognito", "clients of machines", len(machines), "machine-client-month")
    lists = stack.of("AWS::WAFv2::WebACL")
    yield line("waf", "access lists", len(lists), "acl-month")
    yield line("waf", "rules", sum(len(acl.get("Rules", ())) for acl in lists), "rule-month")
    snapshots = sum(
        (memory_gb(function) for function in stack.of("AWS::Lambda::Function") if has_snapshot(function)), Decimal(0)
    )
    yield line("lambda", "snapshots kept, GB seconds", snapshots * _SECONDS, "snapshot-gb-second")
    # Lambda waits for messages by asking the queue, whether there are any or not.
    polls = _SECONDS // _POLL_SECONDS * _POLLERS * len(stack.polled_queues())
    yield line("sqs", "polls of empty queues", polls, "request")


def _woken(stack: PricedStack, prices: Prices, assumed: Assumed) -> Iterator[Line]:
    """What the clock calls, whether anybody asks or not."""
    for rule in stack.of("AWS::Events::Rule"):
        calls = calls_per_month(rule.get("ScheduleExpression", ""))
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


def _stored(stack: PricedStack, prices: Prices, use: Use) -> Iterator[Line]:
    if stack.of("AWS::S3::Bucket"):
        yield Line("idle", "s3", "stored, GB", use.storage_gb, prices.of("s3", "gb-month"))


def _asked(stack: PricedStack, prices: Prices, assumed: Assumed, requests: int) -> Iterator[Line]:
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
    yield from _calls(
        stack.function("table_changes"), "of the table's changes", count, assumed.changes_seconds, prices, "use"
    )
    yield line("dynamodb", "reads after requests", count * assumed.changes_reads, "read-unit")
    # The ledger's file is read and written again.
    yield line("s3", "ledger files read", count, "get")
    yield line("s3", "ledger files written", count, "put")
    if has_snapshot(function):
        restored = count * assumed.cold_share * memory_gb(function)
        yield line("lambda", "snapshots restored, GB", restored, "snapshot-restored-gb")
    yield line("dynamodb", "reads", count * assumed.reads, "read-unit")
    yield line("dynamodb", "writes", count * assumed.writes, "write-unit")
    written = count * assumed.stored_bytes / _GB
    yield line("dynamodb", "stored by a month's requests, GB", written, "gb-month")
    recoverable = any(is_recoverable(table) for table in stack.of("AWS::DynamoDB::Table"))
    yield line("dynamodb", "recoverable, GB", written * recoverable, "recovery-gb-month")
    yield line("s3", "documents read", count * assumed.objects_read, "get")
    logged = count * assumed.log_bytes / _GB
    yield line("cloudwatch-logs", "logs, GB", logged, "ingested-gb")
    yield line("cloudwatch-logs", "logs kept, GB", logged, "gb-month")
    yield line(
        "cloudwatch", "detailed metrics of the API", _detailed_metrics(stack.detailed_methods(), count), "metric-month"
    )
    yield line("kms", "uses of keys", count * assumed.key_uses * len(stack.of("AWS::KMS::Key")), "request")
    traced = any(one.get("TracingConfig", {}).get("Mode") == "Active" for one in stack.of("AWS::Lambda::Function"))
    yield line("x-ray", "traces", count * traced, "trace")
    yield line("waf", "requests", count * len(stack.of("AWS::WAFv2::WebACL")), "request")
    yield line("data-transfer", "answers, GB", count * assumed.response_bytes / _GB, "gb-out")


def _calls(
    function: dict[str, Any], of: str, calls: Decimal, seconds: Decimal, prices: Prices, kind: Kind
) -> Iterator[Line]:
    yield Line(kind, "lambda", f"calls {of}", calls, prices.of("lambda", "request"))
    compute = calls * seconds * memory_gb(function)
    yield Line(kind, "lambda", f"compute {of}, GB seconds", compute, prices.of("lambda", gb_second_unit(function)))


def _detailed_metrics(methods: int, requests: Decimal) -> Decimal:
    """Months of metrics, requests being spread over methods; an hour in which a method is not called is free."""
    return _METRICS_PER_METHOD * min(requests, Decimal(methods * HOURS)) / HOURS
