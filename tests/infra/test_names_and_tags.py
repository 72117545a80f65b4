"""Customers in one account never meet: no physical name is shared, and everything says whose it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tests.infra.conftest import Stack

pytestmark = pytest.mark.xdist_group("infra")

#: Everything switched on, so that every resource there can be is looked at.
ALL = {
    "layer": "source",
    "account": "123456789012",
    "alarms": {"email": "a@example.com", "budget_usd": 10},
    "canary": "linear",
    "customer_key": True,
    "snap_start": True,
    "vectors": {"kind": "opensearch"},
    "waf": {},
}
#: Names inside something that is the stack's own, or the account's only one, or a metric of AWS.
NOT_OURS = {
    ("AWS::ApiGateway::Account", "Id"),
    ("AWS::ApiGateway::Stage", "StageName"),
    ("AWS::CloudWatch::Alarm", "MetricName"),
    ("AWS::CodeDeploy::DeploymentGroup", "DeploymentConfigName"),
    ("AWS::CodeDeploy::DeploymentGroup", "DeploymentGroupName"),
    ("AWS::IAM::Policy", "PolicyName"),
    ("AWS::Lambda::Alias", "Name"),
}


@pytest.fixture(scope="module")
def two(synthesised: Callable[..., Stack]) -> tuple[Stack, Stack]:
    return tuple(
        synthesised("demo", **ALL, name=name, domain=_domain(name), tags={"team": name}) for name in ("demo", "acme")
    )  # type: ignore[return-value]


def _domain(name: str) -> dict[str, str]:
    certificate = "arn:aws:acm:eu-central-1:123456789012:certificate/0a"
    return {"name": f"{name}.example.com", "certificate_arn": certificate, "hosted_zone_id": "Z123"}


def _schema(kind: str) -> dict[str, Any]:
    return PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema


def _names(stack: Stack) -> Iterator[tuple[str, str]]:
    """What the template gives a name: all that identifies a resource together, and each thing that is called a name."""
    for resource in stack.resources.values():
        kind, properties = resource["Type"], resource.get("Properties", {})
        properties = properties["Budget"] if kind == "AWS::Budgets::Budget" else properties
        identifying = [path.rpartition("/")[2] for path in _schema(kind).get("primaryIdentifier", ())]
        named = [name for name in properties if name.endswith("Name") and (kind, name) not in NOT_OURS]
        for together in (identifying, *([name] for name in named)):
            said = {name: properties[name] for name in together if name in properties}
            if said and not _names_own(stack, said) and not {(kind, name) for name in said} <= NOT_OURS:
                yield kind, str(said)


def _names_own(stack: Stack, value: Any) -> bool:
    """A reference to a resource of the same stack bears that resource's name."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            return name in stack.resources
        case dict():
            return any(_names_own(stack, part) for part in value.values())
        case list():
            return any(_names_own(stack, part) for part in value)
    return False


def test_two_customers_share_no_physical_name(two: tuple[Stack, Stack]) -> None:
    ours, theirs = (set(_names(stack)) for stack in two)
    assert {kind for kind, _ in ours} >= {
        "AWS::Budgets::Budget",
        "AWS::CloudWatch::Dashboard",
        "AWS::CodeDeploy::Application",
        "AWS::DynamoDB::Table",
        "AWS::Events::Rule",
        "AWS::KMS::Alias",
        "AWS::Lambda::Function",
        "AWS::Lambda::LayerVersion",
        "AWS::Events::EventBus",
        "AWS::Logs::LogGroup",
        "AWS::OpenSearchServerless::Collection",
        "AWS::S3::Bucket",
        "AWS::SQS::Queue",
        "AWS::Scheduler::ScheduleGroup",
        "AWS::SecretsManager::Secret",
        "AWS::WAFv2::WebACL",
    }
    assert ours & theirs == set()
    assert two[0].path.name != two[1].path.name


def test_everything_that_can_bear_tags_says_whose_it_is(two: tuple[Stack, Stack]) -> None:
    for stack in two:
        wanted = {"customer": stack.customer.name, "team": stack.customer.name}
        bare = [
            id
            for id, resource in stack.resources.items()
            if (property := _tags(resource["Type"]))
            and not wanted.items() <= _read(resource.get("Properties", {}).get(property)).items()
        ]
        assert bare == []


def _tags(kind: str) -> str | None:
    """The property that holds the tags of a resource type."""
    schema = _schema(kind)
    tagging = schema.get("tagging", {})
    if not tagging.get("taggable", schema.get("taggable", False)):
        return None
    return str(tagging.get("tagProperty", "/properties/Tags")).rpartition("/")[2]


def _read(tags: Any) -> dict[str, str]:
    """Most resources have a list of tags, some a map, the budget a list of its own kind."""
    if isinstance(tags, list):
        return {tag["Key"]: tag["Value"] for tag in tags}
    return dict(tags or {})
