from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from smyth.platform.routes import FUNCTIONS, ROUTES, STREAMED
from tests.infra.conftest import EVERYTHING, Stack, plain

pytestmark = pytest.mark.xdist_group("infra")

#: Resources that cannot be named more narrowly, and why.
OPEN_ENDED = {
    r"{StorageBucket\w+\.Arn}/t/\*": "objects below the tenants' prefix",
    r"{StorageBucket\w+\.Arn}/ledger/\*": "the ledger's files",
    r"arn:.*:apigateway:.*::/(usageplans/{ApiPlan\w+}/keys|apikeys)/\*": "API Gateway makes the ids of keys",
    r"arn:.*:bedrock:\*:.*:(foundation-model|inference-profile|guardrail)/\*": "agents name models and their regions",
    r"arn:.*:cloudwatch:.*:alarm:\*": "alarms are described by a list",
    r"arn:.*:secretsmanager:.*:secret:smyth/demo/credentials/\*": "one secret a tenant",
    r"arn:.*:scheduler:.*:schedule/smyth-demo/\*": "one schedule a trigger",
    r"arn:.*:events:.*:rule/smyth-demo/\*": "one rule a trigger",
}
#: Actions that can be bound to no resource at all.
UNBOUND = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
#: What API Gateway wants of the role that it writes logs with.
GATEWAY_LOGS = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"


def _statements(stack: Stack) -> Iterator[tuple[str, dict[str, Any]]]:
    for id, role in stack.of("AWS::IAM::Role").items():
        for managed in map(plain, role.get("ManagedPolicyArns", [])):
            assert id.startswith("ApiCloudWatchRole"), id
            assert managed.endswith(GATEWAY_LOGS)
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield id, statement
    for id, policy in stack.of("AWS::IAM::Policy").items():
        for statement in policy["PolicyDocument"]["Statement"]:
            yield id, statement


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_no_role_may_do_anything_anywhere(demo: Stack, full: Stack) -> None:
    for id, statement in (*_statements(demo), *_statements(full)):
        assert statement["Effect"] == "Allow"
        actions = _listed(statement["Action"])
        assert not [action for action in actions if "*" in action], id
        for resource in map(plain, _listed(statement["Resource"])):
            if "*" in resource and set(actions) != UNBOUND:
                assert any(re.fullmatch(pattern, resource) for pattern in OPEN_ENDED), (id, resource)


def _actions(stack: Stack, function: str, *, audit: bool = False) -> set[str]:
    """What a function may do everywhere, or in the audit's partitions alone."""
    id = stack.functions()[function]["Role"]["Fn::GetAtt"][0]
    return {
        action
        for owner, one in _statements(stack)
        if owner == id and ("Condition" in one) == audit
        for action in _listed(one["Action"])
    }


def test_functions_that_only_read_may_add_to_the_audit_and_to_nothing_else(demo: Stack) -> None:
    bound = [one["Condition"] for _, one in _statements(demo) if "Condition" in one]
    keys = {"dynamodb:LeadingKeys": ["T#*#A", "T#*#A#*"]}
    assert bound
    assert all(one == {"ForAllValues:StringLike": keys} for one in bound)
    for route in ROUTES:
        if route.auth != "public":
            everywhere, in_audit = _actions(demo, route.function), _actions(demo, route.function, audit=True)
            assert "dynamodb:PutItem" in everywhere | in_audit, route.function
    assert _actions(demo, "authorizer", audit=True) == {"dynamodb:GetItem", "dynamodb:PutItem"}


def test_functions_may_do_only_what_they_are_for(demo: Stack) -> None:
    log = {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert _actions(demo, "health") == log
    assert _actions(demo, "docs") == log
    assert not {"dynamodb:PutItem", "dynamodb:DeleteItem"} & _actions(demo, "authorizer")
    assert not {"dynamodb:PutItem", "s3:PutObject"} & _actions(demo, "export_agent")
    credentials = {"manage_credentials", "schedule_tick"}
    runs_agents = {"run_endpoint", "prompt_agent", "chat_agent", "run_trigger", *STREAMED}
    embeds = {"search_vectors", "upsert_vectors", "manage_knowledge", "index_knowledge"}
    reads_secrets = {"authorizer", "receive_webhook", *credentials, *runs_agents, *embeds}
    assert _able(demo, "secretsmanager:GetSecretValue") == reads_secrets
    for action in ("secretsmanager:CreateSecret", "secretsmanager:PutSecretValue", "secretsmanager:DeleteSecret"):
        assert _able(demo, action) == credentials
    watching = {"manage_triggers", "run_trigger", "delete_agent", "schedule_tick"}
    for action in ("scheduler:CreateSchedule", "events:PutRule", "iam:PassRole"):
        assert _able(demo, action) == watching
    assert _able(demo, "sqs:ReceiveMessage") == {"index_knowledge", "run_trigger"}
    assert _able(demo, "apigateway:POST") == {"manage_tenants", "table_changes"}
    assert _able(demo, "dynamodb:GetRecords") == {"table_changes"}
    assert _able(demo, "sqs:SendMessage") == {
        *("object_created", "schedule_tick", "table_changes"),
        *("manage_knowledge", "index_knowledge", "manage_triggers", "receive_webhook", "run_trigger"),
    }


def _able(stack: Stack, action: str) -> set[str]:
    """The functions that may do something."""
    return {name for name in stack.functions() if action in _actions(stack, name)}


def _mailing(stack: Stack) -> set[str]:
    """The roles that may send mails."""
    return {role for role, one in _statements(stack) if one["Action"] == "ses:SendEmail"}


def test_mails_events_and_payments_need_rights_only_where_the_customer_wants_them(demo: Stack, full: Stack) -> None:
    assert _able(demo, "events:PutEvents") == set()
    assert _able(full, "events:PutEvents") == {"table_changes"}
    assert _mailing(demo) == set()
    assert _mailing(full) == {full.functions()["table_changes"]["Role"]["Fn::GetAtt"][0]}
    said = {action: one for _, one in _statements(full) for action in _listed(one["Action"])}
    assert said["ses:SendEmail"]["Condition"] == {"StringEquals": {"ses:FromAddress": "billing@example.com"}}
    identities = [plain(one).partition(":identity/")[2] for one in said["ses:SendEmail"]["Resource"]]
    assert identities == ["billing@example.com", "example.com"]
    assert plain(said["events:PutEvents"]["Resource"]).endswith(":event-bus/default")
    paid = {
        name
        for name, made in full.functions().items()
        if "STRIPE_SECRET_ARN" in made.get("Environment", {}).get("Variables", {})
    }
    assert paid == {"manage_billing", "table_changes"}
    readers = _able(full, "secretsmanager:GetSecretValue") - _able(demo, "secretsmanager:GetSecretValue")
    assert readers == paid
    names = {secret["Name"] for secret in full.of("AWS::SecretsManager::Secret").values()}
    assert names == {"smyth/demo/operator-key", "smyth/demo/stripe"}


def _invoked(stack: Stack) -> dict[str, set[str]]:
    """Role -> the functions that it may invoke."""
    prefix = f"smyth-{stack.customer.name}-"
    return {
        role: {
            plain(resource).rsplit(prefix, 1)[-1].removesuffix(":live") for resource in _listed(statement["Resource"])
        }
        for role, statement in _statements(stack)
        if "lambda:InvokeFunction" in _listed(statement["Action"])
    }


def test_api_gateway_may_call_the_functions_of_routes_and_the_authorizer(demo: Stack) -> None:
    roles = {made["Role"]["Fn::GetAtt"][0] for made in demo.functions().values()}
    [called] = [functions for role, functions in _invoked(demo).items() if role not in roles]
    assert called == set(demo.functions()) - {
        *("object_created", "schedule_tick", "table_changes", "migrate", "run_code", "index_knowledge", "run_trigger")
    }


def test_functions_that_run_agents_may_call_the_one_that_runs_code_and_no_other(demo: Stack) -> None:
    invoked = _invoked(demo)
    allowed = {name: invoked.get(made["Role"]["Fn::GetAtt"][0]) for name, made in demo.functions().items()}
    runs_agents = ("run_endpoint", "prompt_agent", "chat_agent", "run_trigger", *STREAMED)
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


def test_tenants_code_is_kept_apart_when_the_customer_wants_it(demo: Stack, full: Stack) -> None:
    apart = {name for name, made in full.functions().items() if "TenancyConfig" in made}
    assert apart == {"run_code"}
    assert full.functions()["run_code"]["TenancyConfig"] == {"TenantIsolationMode": "PER_TENANT"}
    told = {
        stack.functions()["prompt_agent"]["Environment"]["Variables"].get("CODE_PER_TENANT") for stack in (full, demo)
    }
    assert told == {"1", ""}
    assert not [name for name, made in demo.functions().items() if "TenancyConfig" in made]


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


def test_everything_that_keeps_something_is_encrypted_with_the_customer_s_key(full: Stack) -> None:
    [(key, made)] = full.of("AWS::KMS::Key").items()
    assert made["EnableKeyRotation"] is True
    arn = f"{{{key}.Arn}}"
    table = full.only("AWS::DynamoDB::Table")["SSESpecification"]
    assert table == {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": {"Fn::GetAtt": [key, "Arn"]}}
    [rule] = full.only("AWS::S3::Bucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert rule["BucketKeyEnabled"] is True
    kept = [rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]]
    kept += [secret["KmsKeyId"] for secret in full.of("AWS::SecretsManager::Secret").values()]
    kept += [topic["KmsMasterKeyId"] for topic in full.of("AWS::SNS::Topic").values()]
    kept += [group["KmsKeyId"] for group in full.of("AWS::Logs::LogGroup").values()]
    assert {plain(one) for one in kept} == {arn}
    assert len(kept) == len(full.of("AWS::Logs::LogGroup")) + 4 == 8
    # Tenants' secrets are made by functions, which are told the key.
    told = full.functions()["manage_credentials"]["Environment"]["Variables"]["CREDENTIALS_KEY_ARN"]
    assert plain(told) == arn


def test_whoever_reads_what_the_key_encrypts_may_use_it_and_nobody_else(demo: Stack, full: Stack) -> None:
    assert not demo.of("AWS::KMS::Key")
    users = {name for name in full.functions() if "kms:Decrypt" in _actions(full, name)}
    touching = ("dynamodb:", "s3:", "secretsmanager:")
    assert users == {
        name
        for name in full.functions()
        if any(action.startswith(touching) for action in _actions(full, name) | _actions(full, name, audit=True))
    }
    assert {"health", "docs", "run_code"}.isdisjoint(users)
    for statement in full.only("AWS::KMS::Key")["KeyPolicy"]["Statement"]:
        # "*" is this key. Others than the account itself may use it under conditions only.
        principal = statement["Principal"]
        assert principal != "*"
        assert "Condition" in statement or plain(principal["AWS"]).endswith(":root"), statement


def test_nothing_is_public(demo: Stack, full: Stack) -> None:
    for stack in (demo, full):
        kinds = {found["Type"] for found in stack.resources.values()}
        assert not {"AWS::Lambda::Url", "AWS::S3::AccessPoint", "AWS::Lambda::LayerVersionPermission"} & kinds
        for kind in ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"):
            for policy in stack.of(kind).values():
                for statement in policy["PolicyDocument"]["Statement"]:
                    everybody = statement["Principal"] in ("*", {"AWS": "*"})
                    assert statement["Effect"] == "Deny" or not everybody, (kind, statement)
        for permission in stack.of("AWS::Lambda::Permission").values():
            assert permission["Principal"] == "events.amazonaws.com"
            assert permission["SourceArn"]


def test_topics_are_reached_by_tls_only(full: Stack) -> None:
    for policy in full.of("AWS::SNS::TopicPolicy").values():
        denied = [one["Condition"] for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Deny"]
        assert denied == [{"Bool": {"aws:SecureTransport": "false"}}]


def test_functions_that_ask_models_may_ask_bedrock_when_the_customer_wants_it(demo: Stack, full: Stack) -> None:
    assert not [name for name in demo.functions() if any(one.startswith("bedrock:") for one in _actions(demo, name))]
    asking = {name for name in full.functions() if "bedrock:InvokeModel" in _actions(full, name)}
    assert asking == {function.name for function in FUNCTIONS if function.models}


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
    kept = synthesised("laptop", customer_key=True, data={"keep": True, "point_in_time_recovery": True})
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


def test_two_customers_in_one_account_share_no_name(full: Stack, synthesised: Callable[..., Stack]) -> None:
    other = synthesised("demo", name="other", **EVERYTHING)
    assert len(_names(full)) == len(_names(other)) > len(FUNCTIONS)
    assert not _names(full) & _names(other)


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
        "TopicName",
        "AlarmName",
        "AliasName",
        "DashboardName",
        "ApplicationName",
        "Name",
    )
    chosen = set()
    for id, found in stack.resources.items():
        for key in named if found["Type"] not in _NAMING_OTHERS else ():
            if key in found.get("Properties", {}):
                name = plain(found["Properties"][key])
                if name.startswith("API-Gateway-Execution-Logs_{"):
                    continue  # It carries the API's own id.
                assert stack.customer.name in name, id
                chosen.add(name)
    return chosen


#: Types whose properties name something of others: functions, or a domain that the customer brings.
_NAMING_OTHERS = {
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Version",
    "AWS::Route53::RecordSet",
    "AWS::CodeDeploy::DeploymentGroup",
}
