"""How a new version of a function begins to serve."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.customer import Customer
from infra.shift import GRADUAL
from smyth.platform.routes import FUNCTIONS, STREAMED
from tests.infra.conftest import Stack, plain

pytestmark = pytest.mark.xdist_group("infra")

MODELS = {function.name for function in FUNCTIONS if function.models}
ALL = {function.name for function in FUNCTIONS}


@pytest.fixture(scope="module")
def careful(synthesised: Callable[..., Stack]) -> Stack:
    """A customer whose functions start from snapshots and whose versions take over step by step."""
    return synthesised("demo", snap_start=True, canary="canary")


def _versions(stack: Stack) -> dict[str, str]:
    """Version -> its function, by our names."""
    functions = {
        id: found["Properties"]["FunctionName"].removeprefix(f"smyth-{stack.customer.name}-")
        for id, found in stack.resources.items()
        if found["Type"] == "AWS::Lambda::Function"
    }
    return {id: functions[one["FunctionName"]["Ref"]] for id, one in stack.of("AWS::Lambda::Version").items()}


def test_every_function_is_called_through_an_alias_on_its_version(demo: Stack, laptop: Stack) -> None:
    versions = _versions(demo)
    aliases = demo.of("AWS::Lambda::Alias").values()
    assert {versions[one["FunctionVersion"]["Fn::GetAtt"][0]] for one in aliases} == ALL
    assert {one["Name"] for one in aliases} == {"live"}
    assert not laptop.of("AWS::Lambda::Version")
    assert not laptop.of("AWS::Lambda::Alias")


@pytest.mark.parametrize("customer", ["demo", "laptop"])
def test_the_api_calls_the_alias_where_there_is_one(customer: str, demo: Stack, laptop: Stack) -> None:
    stack, live = (demo, ":live/") if customer == "demo" else (laptop, "/")
    operations = [one for path in stack.document["paths"].values() for one in path.values()]
    addresses = [plain(one["x-amazon-apigateway-integration"]["uri"]) for one in operations]
    authorizer = stack.document["components"]["securitySchemes"]["authorizer"]["x-amazon-apigateway-authorizer"]
    addresses.append(plain(authorizer["authorizerUri"]))
    assert len(addresses) > len(ALL)
    for address in addresses:
        name = address.rpartition(f":smyth-{customer}-")[2]
        assert name.partition(":" if customer == "demo" else "/")[0] in ALL
        assert live in name


def test_rules_call_the_alias(demo: Stack) -> None:
    aliases = set(demo.of("AWS::Lambda::Alias"))
    called = {rule["Targets"][0]["Arn"].get("Ref") for rule in demo.of("AWS::Events::Rule").values()}
    assert called <= aliases
    # The qualifier is read from the alias itself, so that what failed is kept for its calls.
    qualifiers = [str(one["Qualifier"]) for one in demo.of("AWS::Lambda::EventInvokeConfig").values()]
    assert qualifiers
    assert all(any(alias in one for alias in aliases) for one in qualifiers)


def test_only_functions_that_ask_models_start_from_a_snapshot(careful: Stack, demo: Stack) -> None:
    kept = {name: one.get("SnapStart") for name, one in careful.functions().items()}
    assert {name for name, one in kept.items() if one} == MODELS
    assert all(one == {"ApplyOn": "PublishedVersions"} for one in kept.values() if one)
    # A snapshot is paid by the month, and this customer is for trying.
    assert not any("SnapStart" in one for one in demo.functions().values())


def test_web_apps_are_told_of_snapshots_by_the_adapter(careful: Stack, demo: Stack) -> None:
    told = {
        name
        for name, one in careful.functions().items()
        if "AWS_LWA_SNAPSTART_BEFORE_CHECKPOINT_PATH" in one.get("Environment", {}).get("Variables", {})
    }
    assert told == MODELS & STREAMED
    paths = {route for route in careful.document["paths"] if "_snapshot" in route}
    assert not paths, "the API must not lead there"
    assert all("AWS_LWA_SNAPSTART" not in str(one.get("Environment")) for one in demo.functions().values())


def test_versions_take_over_step_by_step_and_back_when_functions_fail(careful: Stack) -> None:
    groups = careful.of("AWS::CodeDeploy::DeploymentGroup")
    assert {one["DeploymentGroupName"] for one in groups.values()} == GRADUAL
    assert {"authorizer", "prompt_agent", "stream_agent", "search_vectors", "run_code"} < GRADUAL
    alarms = set(careful.of("AWS::CloudWatch::Alarm"))
    for one in groups.values():
        assert one["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
        assert "DEPLOYMENT_STOP_ON_ALARM" in one["AutoRollbackConfiguration"]["Events"]
        watched = {alarm["Name"]["Ref"] for alarm in one["AlarmConfiguration"]["Alarms"]}
        assert watched
        assert watched <= alarms
    versions = _versions(careful)
    shifted = {
        versions[found["Properties"]["FunctionVersion"]["Fn::GetAtt"][0]]
        for found in careful.resources.values()
        if found.get("UpdatePolicy", {})
        .get("CodeDeployLambdaAliasUpdate", {})
        .get("DeploymentGroupName", {})
        .get("Ref")
        in groups
    }
    assert shifted == GRADUAL


def test_the_alarms_watch_every_function_and_the_authorizer_by_what_the_api_answers(careful: Stack) -> None:
    metrics = [
        metric["MetricStat"]["Metric"]
        for one in careful.of("AWS::CloudWatch::Alarm").values()
        for metric in one.get("Metrics", ())
        if "MetricStat" in metric
    ]
    errors = [one for one in metrics if one["MetricName"] == "Errors"]
    aliases = {plain(dim["Value"]) for one in errors for dim in one["Dimensions"] if dim["Name"] == "Resource"}
    # Each refusal of the authorizer is an error to Lambda: strangers could stop releases.
    functions = {f"{{{id}}}:live": one for id, one in _by_id(careful).items()}
    assert {functions[alias] for alias in aliases} == ALL - {"authorizer"}
    assert [one["Namespace"] for one in metrics if one["MetricName"] == "5XXError"] == ["AWS/ApiGateway"]


def _by_id(stack: Stack) -> dict[str, str]:
    return {
        id: one["FunctionName"].removeprefix(f"smyth-{stack.customer.name}-")
        for id, one in stack.of("AWS::Lambda::Function").items()
    }


def test_codedeploy_may_move_these_aliases_and_nothing_else(careful: Stack) -> None:
    [role] = [
        one
        for one in careful.of("AWS::IAM::Role").values()
        if "codedeploy" in str(one["AssumeRolePolicyDocument"]["Statement"])
    ]
    assert "ManagedPolicyArns" not in role
    [policy] = role["Policies"]
    actions = {action for one in policy["PolicyDocument"]["Statement"] for action in _listed(one["Action"])}
    assert actions == {
        "lambda:GetAlias",
        "lambda:UpdateAlias",
        "lambda:GetProvisionedConcurrencyConfig",
        "cloudwatch:DescribeAlarms",
    }


def _listed(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


def test_a_stack_with_all_this_stays_under_250_resources_and_lints(careful: Stack) -> None:
    assert len(careful.resources) <= 250
    linter = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([linter, "-i", "W3005", "-t", careful.path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_what_needs_versions_is_refused_without_them() -> None:
    for changes in ({"snap_start": True}, {"snap_start": False, "canary": "linear"}):
        with pytest.raises(ValueError, match="need versions; set published to true"):
            Customer.model_validate({"name": "acme", "published": False, **changes})
    assert Customer.model_validate({"name": "acme", "published": False, "snap_start": False}).canary == "none"
