"""What a month costs, worked out by hand."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from infra.commands.__main__ import main
from infra.costs import Assumed, Estimate, Use, estimate
from infra.priced_stack import CostError
from infra.prices import TABLE, PriceError, Prices, read_prices
from tests.infra.conftest import Stack

#: Round prices, for sums that can be done in the head.
PRICES = Prices(
    "nowhere",
    "2025-01-01",
    {
        ("lambda", "request"): Decimal("0.001"),
        ("lambda", "gb-second-arm64"): Decimal("0.01"),
        ("lambda", "snapshot-gb-second"): Decimal("0.000001"),
        ("lambda", "snapshot-restored-gb"): Decimal("0.5"),
        ("api-gateway", "request"): Decimal("0.002"),
        ("dynamodb", "read-unit"): Decimal("0.0001"),
        ("dynamodb", "write-unit"): Decimal("0.0002"),
        ("dynamodb", "gb-month"): Decimal(10),
        ("dynamodb", "recovery-gb-month"): Decimal(5),
        ("s3", "gb-month"): Decimal("0.1"),
        ("s3", "get"): Decimal("0.003"),
        ("s3", "put"): Decimal("0.004"),
        ("sqs", "request"): Decimal("0.000001"),
        ("cognito", "machine-client-month"): Decimal(6),
        ("secrets-manager", "secret-month"): Decimal("0.4"),
        ("cloudwatch", "alarm-month"): Decimal("0.1"),
        ("cloudwatch", "dashboard-month"): Decimal(3),
        ("cloudwatch", "metric-month"): Decimal("0.3"),
        ("cloudwatch-logs", "ingested-gb"): Decimal(100),
        ("cloudwatch-logs", "gb-month"): Decimal(1),
        ("kms", "key-month"): Decimal(1),
        ("kms", "request"): Decimal("0.00001"),
        ("waf", "acl-month"): Decimal(5),
        ("waf", "rule-month"): Decimal(1),
        ("waf", "request"): Decimal("0.0006"),
        ("x-ray", "trace"): Decimal("0.005"),
        ("data-transfer", "gb-out"): Decimal(9),
    },
)


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def function(name: str, memory: int, **further: Any) -> dict[str, Any]:
    return resource(
        "Lambda::Function", FunctionName=f"smyth-x-{name}", MemorySize=memory, Architectures=["arm64"], **further
    )


def stack(**resources: dict[str, Any]) -> dict[str, Any]:
    own = {
        "Ask": function("prompt_agent", 1024),
        "Authorizer": function("authorizer", 512),
        "Changes": function("table_changes", 512),
    }
    return {"Resources": own | resources}


def told(estimated: Estimate) -> dict[tuple[str, str], int]:
    return {(line.service, line.what): line.micro_usd for line in estimated.lines}


def test_what_is_kept_is_paid_for_by_the_month() -> None:
    watched = [{"MetricStat": {}}, {"MetricStat": {}}, {"Expression": "SUM(METRICS())"}]
    template = stack(
        Secret=resource("SecretsManager::Secret"),
        Plain=resource("CloudWatch::Alarm", MetricName="Errors"),
        Summed=resource("CloudWatch::Alarm", Metrics=watched),
        Board=resource("CloudWatch::Dashboard"),
        Key=resource("KMS::Key"),
        Acl=resource("WAFv2::WebACL", Rules=[{}, {}]),
        Crm=resource("Cognito::UserPoolClient", AllowedOAuthFlows=["client_credentials"]),
        People=resource("Cognito::UserPoolClient"),
    )
    estimated = estimate(template, PRICES, Use())
    assert told(estimated) == {
        ("secrets-manager", "secrets"): 400_000,
        ("cloudwatch", "metrics watched by alarms"): 300_000,  # one and two
        ("cloudwatch", "dashboards"): 3_000_000,
        ("kms", "keys"): 1_000_000,
        ("cognito", "clients of machines"): 6_000_000,
        ("waf", "access lists"): 5_000_000,
        ("waf", "rules"): 2_000_000,
    }
    assert estimated.micro_usd("idle") == estimated.micro_usd() == 17_700_000


def test_snapshots_are_paid_for_by_the_second() -> None:
    template = stack(Asked=function("chat_agent", 2048, SnapStart={"ApplyOn": "PublishedVersions"}))
    # 2 GB * 2,628,000 s * 0.000001
    assert told(estimate(template, PRICES, Use())) == {("lambda", "snapshots kept, GB seconds"): 5_256_000}


def test_the_clock_calls_though_nobody_asks() -> None:
    template = stack(
        Live=resource("Lambda::Alias", FunctionName={"Ref": "Authorizer"}),
        Clock=resource("Events::Rule", ScheduleExpression="rate(2 hours)", Targets=[{"Arn": {"Ref": "Live"}}]),
        Objects=resource("Events::Rule", EventPattern={}, Targets=[{"Arn": {"Fn::GetAtt": ["Ask", "Arn"]}}]),
    )
    assumed = Assumed(tick_seconds=Decimal("0.2"), tick_reads=2, tick_log_bytes=1000)
    assert told(estimate(template, PRICES, Use(), assumed)) == {
        ("lambda", "calls by the clock"): 365_000,  # 365 * 0.001
        ("lambda", "compute by the clock, GB seconds"): 365_000,  # 365 * 0.2 s * 0.5 GB * 0.01
        ("dynamodb", "reads by the clock"): 73_000,  # 365 * 2 * 0.0001
        ("cloudwatch-logs", "logs by the clock, GB"): 36_500,  # 365 * 1000 bytes * 100 per GB
    }


def test_lambda_asks_queues_for_messages_and_the_table_for_nothing() -> None:
    template = stack(
        Work=resource("SQS::Queue"),
        Table=resource("DynamoDB::Table"),
        Worker=resource("Lambda::EventSourceMapping", EventSourceArn={"Fn::GetAtt": ["Work", "Arn"]}),
        Changed=resource("Lambda::EventSourceMapping", EventSourceArn={"Fn::GetAtt": ["Table", "StreamArn"]}),
        Foreign=resource("Lambda::EventSourceMapping", EventSourceArn="arn:aws:sqs:eu-central-1:111122223333:theirs"),
    )
    # 5 pollers * 2,628,000 s / 20 s * 0.000001
    assert told(estimate(template, PRICES, Use())) == {("sqs", "polls of empty queues"): 657_000}


def test_what_nobody_has_priced_is_told() -> None:
    template = stack(Search=resource("OpenSearchServerless::Collection"), Secret=resource("SecretsManager::Secret"))
    assert estimate(template, PRICES, Use()).uncounted == ("AWS::OpenSearchServerless::Collection",)


def test_requests_are_paid_for_with_everything_that_they_touch() -> None:
    security = [{"authorizer": [], "api_key": []}]
    paths = {"/a": {"post": {"security": security}, "get": {"security": []}}, "/b": {"get": {"security": security}}}
    snapped = function(
        "prompt_agent", 1024, SnapStart={"ApplyOn": "PublishedVersions"}, TracingConfig={"Mode": "Active"}
    )
    template = stack(
        Ask=snapped,
        Api=resource("ApiGateway::RestApi", Body={"paths": paths}),
        Stage=resource("ApiGateway::Stage", MethodSettings=[{"MetricsEnabled": True}]),
        Acl=resource("WAFv2::WebACL", Rules=[]),
        Bucket=resource("S3::Bucket"),
        Key=resource("KMS::Key"),
        Table=resource("DynamoDB::Table", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}),
    )
    assumed = Assumed(
        request_seconds=Decimal(2), authorizer_seconds=Decimal("0.1"), reads=3, writes=4, objects_read=2,
        changes_seconds=Decimal("0.4"), changes_reads=5,
        stored_bytes=1000, log_bytes=2000, response_bytes=5000, cold_share=Decimal("0.1"),
    )  # fmt: skip
    estimated = estimate(template, PRICES, Use(requests=1000, storage_gb=Decimal("2.5")), assumed)
    use = {(line.service, line.what): line.micro_usd for line in estimated.lines if line.kind == "use"}
    assert use == {
        ("api-gateway", "requests"): 2_000_000,  # 1000 * 0.002
        ("lambda", "calls of agents"): 1_000_000,  # 1000 * 0.001
        ("lambda", "compute of agents, GB seconds"): 20_000_000,  # 1000 * 2 s * 1 GB * 0.01
        ("lambda", "calls of the authorizer"): 1_000_000,
        ("lambda", "compute of the authorizer, GB seconds"): 500_000,  # 1000 * 0.1 s * 0.5 GB * 0.01
        ("lambda", "calls of the table's changes"): 1_000_000,
        ("lambda", "compute of the table's changes, GB seconds"): 2_000_000,  # 1000 * 0.4 s * 0.5 GB * 0.01
        ("dynamodb", "reads after requests"): 500_000,  # 1000 * 5 * 0.0001
        ("s3", "ledger files read"): 3_000_000,  # 1000 * 0.003
        ("s3", "ledger files written"): 4_000_000,  # 1000 * 0.004
        ("lambda", "snapshots restored, GB"): 50_000_000,  # 1000 * 0.1 * 1 GB * 0.5
        ("dynamodb", "reads"): 300_000,  # 1000 * 3 * 0.0001
        ("dynamodb", "writes"): 800_000,  # 1000 * 4 * 0.0002
        ("dynamodb", "stored by a month's requests, GB"): 10_000,  # 1 MB * 10
        ("dynamodb", "recoverable, GB"): 5_000,
        ("s3", "documents read"): 6_000_000,  # 1000 * 2 * 0.003
        ("cloudwatch-logs", "logs, GB"): 200_000,  # 2 MB * 100
        ("cloudwatch-logs", "logs kept, GB"): 2_000,
        ("cloudwatch", "detailed metrics of the API"): 2_054_795,  # 5 metrics * 1000 of 730 hours * 0.3
        ("kms", "uses of keys"): 20_000,  # 1000 * 2 * 0.00001
        ("x-ray", "traces"): 5_000_000,
        ("waf", "requests"): 600_000,
        ("data-transfer", "answers, GB"): 45_000,  # 5 MB * 9
    }
    assert told(estimated)["s3", "stored, GB"] == 250_000
    assert estimated.micro_usd("use") == sum(use.values())
    # The access list's 5 dollars, the key's dollar, the snapshot's 2.628 and what is stored.
    assert estimated.micro_usd("idle") == 5_000_000 + 1_000_000 + 2_628_000 + 250_000


def test_a_schedule_that_cannot_be_reckoned_is_refused() -> None:
    rule = resource("Events::Rule", ScheduleExpression="cron(0 8 * * ? *)", Targets=[{"Arn": {"Ref": "Ask"}}])
    with pytest.raises(CostError, match="cron"):
        estimate(stack(Clock=rule), PRICES, Use())


def test_a_missing_price_is_named() -> None:
    with pytest.raises(PriceError, match="kms, key-month in nowhere"):
        Prices("nowhere", "2025-01-01", {}).of("kms", "key-month")


def test_every_region_of_the_table_has_every_price_and_says_where_and_when() -> None:
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    units = {region: {(row["service"], row["unit"]) for row in rows if row["region"] == region} for region in
             {row["region"] for row in rows}}  # fmt: skip
    assert len({frozenset(found) for found in units.values()}) == 1
    assert len(rows) == sum(map(len, units.values())), "a price stands there twice"
    for row in rows:
        assert Decimal(row["usd"]) > 0
        assert row["source"].startswith("https://aws.amazon.com/")
        assert date.fromisoformat(row["as_of"]) <= date.today()


def test_a_region_without_prices_gets_those_of_another_and_is_told_so(tmp_path: Path) -> None:
    assert read_prices("eu-central-1").region == "eu-central-1"
    assert read_prices("sa-east-1").region == "us-east-1"


@pytest.mark.xdist_group("infra")
class TestDemo:
    def test_idle_costs_less_than_two_dollars(self, demo: Stack) -> None:
        estimated = estimate(demo.template, read_prices(demo.customer.region), Use())
        # By hand, at eu-central-1's prices: a secret; 8,760 ticks of 0.1 s in 512 MB, five reads, 600 bytes of log; and
        # two queues that five pollers ask every 20 s.
        assert told(estimated) == {
            ("secrets-manager", "secrets"): 400_000,
            ("lambda", "calls by the clock"): 1_752,  # 8,760 * 0.0000002
            ("lambda", "compute by the clock, GB seconds"): 5_840,  # 438 * 0.0000133334
            ("dynamodb", "reads by the clock"): 6_680,  # 8,760 * 5 * 0.0000001525
            ("cloudwatch-logs", "logs by the clock, GB"): 3_311,  # 0.005256 * 0.63
            ("sqs", "polls of empty queues"): 525_600,  # 1,314,000 * 0.0000004
        }
        assert estimated.micro_usd("idle") == 943_183
        assert estimated.micro_usd("idle") < 2_000_000

    def test_what_is_switched_on_is_counted(self, demo: Stack, synthesised: Callable[..., Stack]) -> None:
        more = synthesised(
            "demo", layer="source", customer_key=True, waf={}, snap_start=True, alarms={"email": "a@example.com"}
        )
        prices = read_prices("eu-central-1")
        found = told(estimate(more.template, prices, Use()))
        before = told(estimate(demo.template, prices, Use()))
        assert found["kms", "keys"] == 1_000_000
        assert found["cloudwatch", "dashboards"] == 3_000_000
        assert found["waf", "rules"] == 1_000_000 * len(more.only("AWS::WAFv2::WebACL")["Rules"])
        snapped = [one for one in more.functions().values() if "SnapStart" in one]
        gigabyte_seconds = sum(one["MemorySize"] for one in snapped) * 730 * 3600 // 1024
        assert found["lambda", "snapshots kept, GB seconds"] == round(gigabyte_seconds * Decimal("1.5046"))
        assert found["cloudwatch", "metrics watched by alarms"] >= 100_000 * len(more.of("AWS::CloudWatch::Alarm"))
        assert not before.keys() - found.keys()
        assert estimate(more.template, prices, Use()).uncounted == ()

    def test_the_command_tells_the_sums_for_programs(self, capsys: pytest.CaptureFixture[str]) -> None:
        code = main(["cost", "demo", "--requests", "1000", "--tokens", "1000000", "--model", "gpt-4o-mini", "--json"])
        said = json.loads(capsys.readouterr().out)
        assert code == 0
        assert said["idle"] == "0.943183"
        # A million tokens: 800,000 read at 0.15 a million and 200,000 written at 0.60.
        assert said["model"] == "0.240000"
        assert Decimal(said["total"]) == sum(Decimal(said[kind]) for kind in ("idle", "use", "model"))
        assert Decimal(said["total"]) == sum(Decimal(line["cost"]) for line in said["lines"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["cost", "demo", "--tokens", "5"], "--tokens together with --model"),
        (["cost", "demo", "--requests", "-1"], "--requests"),
        (["cost"], "smyth cost --help"),
        (["stack", "nope"], "smyth stack --help"),
    ],
)
def test_wrong_usage_is_one_line(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_an_unknown_customer_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "nobody"]) == 1
    assert "There is no customer 'nobody'" in capsys.readouterr().err
