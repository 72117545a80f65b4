"""A synthesised template, asked for what AWS charges for."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from infra.changes import Template

#: A month, as AWS reckons.
HOURS = 730
_MINUTES = {"minute": 1, "hour": 60, "day": 1440}
#: What the lines of an estimate are for.
PRICED = {
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Cognito::UserPoolClient",
    "AWS::DynamoDB::Table",
    "AWS::Events::Rule",
    "AWS::KMS::Key",
    # Reading the table's stream for a function is free; asking queues is not.
    "AWS::Lambda::EventSourceMapping",
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
    # People are free up to 10,000 a month.
    "AWS::Cognito::UserPool",
    "AWS::Cognito::UserPoolDomain",
    "AWS::Cognito::UserPoolResourceServer",
    "AWS::CodeDeploy::DeploymentGroup",
    # Its own events are a dollar a million, and a schedule's as much: nothing until there are many.
    "AWS::Events::EventBus",
    "AWS::Scheduler::ScheduleGroup",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::KMS::Alias",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
    # A collection of this generation costs nothing while it sleeps, and by the hour while it is used.
    "AWS::OpenSearchServerless::AccessPolicy",
    "AWS::OpenSearchServerless::CollectionGroup",
    "AWS::OpenSearchServerless::SecurityPolicy",
    "AWS::Route53::RecordSet",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::WAFv2::WebACLAssociation",
}


class CostError(ValueError):
    """The costs cannot be told; the message says why."""


class PricedStack:
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

    def polled_queues(self) -> list[dict[str, Any]]:
        """The mappings by which Lambda asks queues for messages."""
        mappings = self.of("AWS::Lambda::EventSourceMapping")
        return [one for one in mappings if self._type_of(one["EventSourceArn"]) == "AWS::SQS::Queue"]

    def _type_of(self, reference: Any) -> str:
        """The type of the resource that a property refers to; blank where it is none of the stack's."""
        match reference:
            case {"Fn::GetAtt": [str(id), *_]} | {"Ref": str(id)}:
                return str(self._resources[id]["Type"])
        return ""

    def uncounted(self) -> tuple[str, ...]:
        """The types of resources whose price is not known here."""
        return tuple(sorted({one["Type"] for one in self._resources.values()} - PRICED - FREE))

    def detailed_methods(self) -> int:
        """How many methods that need a plan have metrics of their own, each of which is paid for."""
        detailed = any(
            setting.get("MetricsEnabled")
            for stage in self.of("AWS::ApiGateway::Stage")
            for setting in stage.get("MethodSettings", ())
        )
        operations = [
            operation
            for api in self.of("AWS::ApiGateway::RestApi")
            for path in api.get("Body", {}).get("paths", {}).values()
            for operation in path.values()
            if any("api_key" in needed for needed in operation.get("security", ()))
        ]
        return len(operations) if detailed else 0


def memory_gb(function: dict[str, Any]) -> Decimal:
    """The memory of a function."""
    return Decimal(function.get("MemorySize", 128)) / 1024


def gb_second_unit(function: dict[str, Any]) -> str:
    """What the price table calls a second of a function's memory."""
    [architecture] = function.get("Architectures", ["x86_64"])
    return f"gb-second-{architecture}"


def has_snapshot(function: dict[str, Any]) -> bool:
    """Whether each published version is kept as a snapshot."""
    return bool(function.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions")


def metrics_watched(alarm: dict[str, Any]) -> int:
    """An alarm is paid for by the metrics that it adds up."""
    return max(1, sum("MetricStat" in metric for metric in alarm.get("Metrics", ())))


def is_recoverable(table: dict[str, Any]) -> bool:
    """Whether a table can be set back in time."""
    return bool(table.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled"))


def calls_per_month(schedule: str) -> Decimal:
    """How often a rule fires.

    Raises:
        CostError: It is no ``rate(...)``.
    """
    if not schedule:
        return Decimal(0)
    found = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", schedule)
    if found is None:
        raise CostError(f"It cannot be told how often the schedule '{schedule}' fires; write it as a rate.")
    return Decimal(HOURS * 60) / (int(found[1]) * _MINUTES[found[2]])
