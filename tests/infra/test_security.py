from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from smyth.platform.routes import FUNCTIONS, STREAMED
from tests.infra.conftest import Stack, plain

pytestmark = pytest.mark.xdist_group("infra")

#: Resources that cannot be named more narrowly, and why.
OPEN_ENDED = {
    r"{StorageBucket\w+\.Arn}/t/\*": "objects below the tenants' prefix",
    r"arn:.*:log-group:/aws/lambda/smyth-demo-\w+:\*": "the streams of the function's own log group",
    r"arn:.*:apigateway:.*::/usageplans/{ApiPlan\w+}/keys/\*": "API Gateway makes the ids of keys",
}


def _statements(stack: Stack) -> Iterator[tuple[str, dict[str, Any]]]:
    for id, role in stack.of("AWS::IAM::Role").items():
        assert "ManagedPolicyArns" not in role, id
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield id, statement
    for id, policy in stack.of("AWS::IAM::Policy").items():
        for statement in policy["PolicyDocument"]["Statement"]:
            yield id, statement


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_no_role_may_do_anything_anywhere(demo: Stack) -> None:
    for id, statement in _statements(demo):
        assert statement["Effect"] == "Allow"
        assert not [action for action in _listed(statement["Action"]) if "*" in action], id
        for resource in map(plain, _listed(statement["Resource"])):
            open_ended = "*" in resource
            assert not open_ended or any(re.fullmatch(pattern, resource) for pattern in OPEN_ENDED), (id, resource)


def _actions(stack: Stack, function: str) -> set[str]:
    id = stack.functions()[function]["Role"]["Fn::GetAtt"][0]
    return {action for owner, one in _statements(stack) if owner == id for action in _listed(one["Action"])}


def test_functions_may_do_only_what_they_are_for(demo: Stack) -> None:
    log = {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert _actions(demo, "health") == log
    assert _actions(demo, "docs") == log
    assert not {"dynamodb:PutItem", "dynamodb:DeleteItem"} & _actions(demo, "authorizer")
    assert not {"dynamodb:PutItem", "s3:PutObject"} & _actions(demo, "export_agent")
    readers = {name for name in demo.functions() if "secretsmanager:GetSecretValue" in _actions(demo, name)}
    assert readers == {"authorizer"}
    key_makers = {name for name in demo.functions() if "apigateway:POST" in _actions(demo, name)}
    assert key_makers == {"manage_tenants"}


def _invoked(stack: Stack) -> dict[str, set[str]]:
    """Role -> the functions that it may invoke."""
    prefix = f"smyth-{stack.customer.name}-"
    return {
        role: {plain(resource).rsplit(prefix, 1)[-1] for resource in _listed(statement["Resource"])}
        for role, statement in _statements(stack)
        if "lambda:InvokeFunction" in _listed(statement["Action"])
    }


def test_api_gateway_may_call_the_functions_of_routes_and_the_authorizer(demo: Stack) -> None:
    roles = {made["Role"]["Fn::GetAtt"][0] for made in demo.functions().values()}
    [called] = [functions for role, functions in _invoked(demo).items() if role not in roles]
    assert called == set(demo.functions()) - {"object_created", "schedule_tick", "migrate", "run_code"}


def test_functions_that_run_agents_may_call_the_one_that_runs_code_and_no_other(demo: Stack) -> None:
    invoked = _invoked(demo)
    allowed = {name: invoked.get(made["Role"]["Fn::GetAtt"][0]) for name, made in demo.functions().items()}
    runs_agents = ("run_endpoint", "prompt_agent", "chat_agent", *STREAMED)
    assert {name: one for name, one in allowed.items() if one} == {name: {"run_code"} for name in runs_agents}


def test_the_function_that_runs_code_may_do_nothing_and_knows_nothing(
    demo: Stack, synthesised: Callable[..., Stack]
) -> None:
    assert _actions(demo, "run_code") == {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert "Environment" not in demo.functions()["run_code"]
    assert demo.functions()["run_code"]["MemorySize"] == 512
    busy = synthesised("laptop", environment={"TOKEN": "x"}, reserved_concurrency={"run_code": 5})
    made = busy.functions()["run_code"]
    assert set(made["Environment"]["Variables"]) == {"PYTHONPATH"}
    assert made["ReservedConcurrentExecutions"] == 5
    assert busy.functions()["get_agent"]["Environment"]["Variables"]["TOKEN"] == "x"


def test_the_bucket_is_private_encrypted_versioned_and_reached_by_tls_only(demo: Stack) -> None:
    bucket = demo.only("AWS::S3::Bucket")
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["NotificationConfiguration"]["EventBridgeConfiguration"] == {"EventBridgeEnabled": True}
    assert any("AbortIncompleteMultipartUpload" in rule for rule in bucket["LifecycleConfiguration"]["Rules"])
    denied = [
        statement["Condition"]
        for statement in demo.only("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny" and statement["Action"] == "s3:*"
    ]
    assert {"Bool": {"aws:SecureTransport": "false"}} in denied


def test_queues_are_encrypted_and_reached_by_tls_only(demo: Stack) -> None:
    assert all(queue["SqsManagedSseEnabled"] for queue in demo.of("AWS::SQS::Queue").values())
    for policy in demo.of("AWS::SQS::QueuePolicy").values():
        denied = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Deny"]
        assert [one["Condition"] for one in denied] == [{"Bool": {"aws:SecureTransport": "false"}}]


def test_the_table_has_the_keys_that_the_code_uses(demo: Stack) -> None:
    table = demo.only("AWS::DynamoDB::Table")
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
    [lease] = table["GlobalSecondaryIndexes"]
    assert lease["IndexName"] == "lease"
    assert [key["AttributeName"] for key in lease["KeySchema"]] == ["lease_pk", "lease_sk"]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"] == {"SSEEnabled": True}


def test_a_customer_s_data_outlives_the_stack_when_it_shall(demo: Stack, synthesised: Callable[..., Stack]) -> None:
    kept = synthesised("laptop", data={"keep": True, "point_in_time_recovery": True})
    for stack, keep in ((demo, False), (kept, True)):
        table = stack.only("AWS::DynamoDB::Table")
        assert table["DeletionProtectionEnabled"] is keep
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        for kind in ("AWS::DynamoDB::Table", "AWS::S3::Bucket"):
            [policy] = [found["DeletionPolicy"] for found in stack.resources.values() if found["Type"] == kind]
            assert policy == ("Retain" if keep else "Delete")


def test_the_operator_s_key_is_made_by_aws_and_told_to_nobody(demo: Stack) -> None:
    secret = demo.only("AWS::SecretsManager::Secret")
    assert "SecretString" not in secret
    assert secret["GenerateSecretString"]["PasswordLength"] >= 40
    assert secret["GenerateSecretString"]["ExcludePunctuation"] is True
    assert "resolve:secretsmanager" not in json.dumps(demo.template)


def test_two_customers_in_one_account_share_no_name(demo: Stack, synthesised: Callable[..., Stack]) -> None:
    other = synthesised("demo", name="other")
    assert len(_names(demo)) == len(_names(other)) > 2 * len(FUNCTIONS)
    assert not _names(demo) & _names(other)


def _names(stack: Stack) -> set[str]:
    """Every physical name that the template chooses."""
    named = (
        "FunctionName",
        "LayerName",
        "LogGroupName",
        "TableName",
        "BucketName",
        "QueueName",
        "UsagePlanName",
        "Name",
    )
    chosen = set()
    for id, found in stack.resources.items():
        owns = found["Type"] != "AWS::Lambda::EventInvokeConfig" and found["Type"] != "AWS::Lambda::Permission"
        for key in named if owns else ():
            if key in found.get("Properties", {}):
                name = plain(found["Properties"][key])
                assert stack.customer.name in name, id
                chosen.add(name)
    return chosen
