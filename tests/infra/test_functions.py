from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase

import pytest

from infra.permissions import GRANTS, Grant
from smyth.aws import files, knowledge
from smyth.aws.bucket import Bucket
from smyth.aws.storage import BucketStorage
from smyth.http.settings import Settings
from smyth.platform.routes import CODE_FUNCTION, ENTRY, FUNCTIONS, STREAMED
from tests.infra.conftest import Stack, plain

pytestmark = pytest.mark.xdist_group("infra")


def test_every_function_is_there_with_its_figures(demo: Stack) -> None:
    functions = demo.functions()
    assert set(functions) == {function.name for function in FUNCTIONS}
    for function in FUNCTIONS:
        made = functions[function.name]
        assert made["Runtime"] == "python3.13"
        assert made["Architectures"] == ["arm64"]
        assert made["Timeout"] == function.timeout_s
        assert made["MemorySize"] == function.memory_mb


def test_functions_start_at_their_handler_and_the_stream_at_its_web_app(demo: Stack, laptop: Stack) -> None:
    for name, made in demo.functions().items():
        assert made["Handler"] == ("run.sh" if name in STREAMED else ENTRY)
    assert all(made["Handler"] == ENTRY for made in laptop.functions().values())


def test_only_behind_the_adapter_the_caller_may_come_as_a_header(demo: Stack, laptop: Stack) -> None:
    trusting = {
        name: made["Environment"]["Variables"]
        for stack in (demo, laptop)
        for name, made in stack.functions().items()
        if "SMYTH_TRUST_REQUEST_CONTEXT" in made.get("Environment", {}).get("Variables", {})
    }
    assert set(trusting) == STREAMED
    for name, environment in trusting.items():
        assert environment["AWS_LWA_INVOKE_MODE"] == "response_stream"
        layers = [plain(layer) for layer in demo.functions()[name]["Layers"]]
        assert any(":753240598075:layer:LambdaAdapterLayerArm64:" in layer for layer in layers)


def test_functions_read_the_settings_that_the_stack_gives_them(demo: Stack, laptop: Stack) -> None:
    for stack, live in ((demo, ":live"), (laptop, "")):
        for name, made in stack.functions().items():
            if name == CODE_FUNCTION:
                continue
            environment = {key: plain(value) for key, value in made["Environment"]["Variables"].items()}
            settings = Settings.from_env(environment)
            assert settings.customer == stack.customer.name
            assert settings.allow_private_http == stack.customer.allow_private_http
            assert settings.allowed_http == tuple(stack.customer.allowed_http)
            assert bool(settings.operator_secret_arn) == (name == "authorizer")
            assert bool(settings.usage_plan_ids) == (name in {"manage_tenants", "table_changes"})
            runs_agents = name in {"run_endpoint", "prompt_agent", "chat_agent", "run_trigger", *STREAMED}
            assert settings.code_function == (f"smyth-{stack.customer.name}-run_code{live}" if runs_agents else "")


def test_functions_carry_our_package_and_the_layers_that_the_table_says(demo: Stack, laptop: Stack) -> None:
    def carried(stack: Stack, function: str) -> set[str]:
        titles = {id: one["LayerName"] for id, one in stack.of("AWS::Lambda::LayerVersion").items()}
        refs = {layer["Ref"] for layer in stack.functions()[function]["Layers"] if "Ref" in layer}
        return {titles[ref].removeprefix(f"smyth-{stack.customer.name}-") for ref in refs}

    for function in FUNCTIONS:
        assert carried(demo, function.name) == {"package", *function.layers}
        assert carried(laptop, function.name) == {"package"}


def test_logs_of_every_function_are_kept_as_long_as_the_customer_says(demo: Stack) -> None:
    groups = demo.of("AWS::Logs::LogGroup").values()
    kept = {plain(group["LogGroupName"]): group["RetentionInDays"] for group in groups}
    assert {"/aws/lambda/smyth-demo", "/aws/lambda/smyth-demo-run_code"} < set(kept)
    assert set(kept.values()) == {14}


def test_all_functions_write_one_log_but_the_one_that_runs_users_code(demo: Stack) -> None:
    ids = {plain(group["LogGroupName"]): id for id, group in demo.of("AWS::Logs::LogGroup").items()}
    for name, made in demo.functions().items():
        group = "/aws/lambda/smyth-demo-run_code" if name == CODE_FUNCTION else "/aws/lambda/smyth-demo"
        assert made["LoggingConfig"] == {"LogGroup": {"Ref": ids[group]}}


def test_functions_share_a_role_when_they_have_the_same_rights(demo: Stack) -> None:
    roles = {name: made["Role"]["Fn::GetAtt"][0] for name, made in demo.functions().items()}
    assert roles["create_agent"] == roles["update_agent"] != roles["get_agent"]
    assert roles["health"] == roles["docs"]
    assert [name for name, role in roles.items() if role == roles[CODE_FUNCTION]] == [CODE_FUNCTION]
    labels = {name: GRANTS.get(name, Grant()).label for name in roles if name != CODE_FUNCTION}
    together = {(roles[name], label) for name, label in labels.items()}
    assert len(together) == len(set(labels.values())) == len(set(roles.values())) - 1


def test_the_table_of_permissions_names_functions_only() -> None:
    assert set(GRANTS) <= {function.name for function in FUNCTIONS}


def test_a_customer_reserves_concurrency(synthesised: Callable[..., Stack]) -> None:
    functions = synthesised("laptop", reserved_concurrency={"prompt_agent": 7}).functions()
    reserved = {name: made.get("ReservedConcurrentExecutions") for name, made in functions.items()}
    assert {name: value for name, value in reserved.items() if value} == {"prompt_agent": 7}


def test_events_wake_their_functions_and_what_fails_is_kept(demo: Stack) -> None:
    rules = {rule["Name"]: rule for rule in demo.of("AWS::Events::Rule").values()}
    created, tick = rules["smyth-demo-object_created"], rules["smyth-demo-schedule_tick"]
    assert created["EventPattern"]["detail-type"] == ["Object Created", "Object Deleted"]
    assert tick["ScheduleExpression"] == "rate(5 minutes)"
    queues = {id for id, one in demo.of("AWS::SQS::Queue").items() if one["QueueName"] == "smyth-demo-dead-letters"}
    assert {rule["Targets"][0]["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0] for rule in rules.values()} == queues
    configs = demo.of("AWS::Lambda::EventInvokeConfig").values()
    assert {one["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0] for one in configs} == queues


def test_objects_that_functions_keep_for_themselves_wake_none(demo: Stack) -> None:
    [pattern] = [rule["EventPattern"] for rule in demo.of("AWS::Events::Rule").values() if "EventPattern" in rule]
    # The rules' asterisk is that of file names; none of these has another of their signs.
    wanted = [one["wildcard"] for one in pattern["detail"]["object"]["key"]]

    def wakes(key: str) -> bool:
        return any(fnmatchcase(key, pattern) for pattern in wanted)

    assert wakes(files.object_key("ten-1", "fil-1-a.txt"))
    assert wakes(BucketStorage(Bucket("b"), "ten-1").object_key("fs/teams/x/a.txt"))
    assert wakes(knowledge.object_key("ten-1", "handbook/travel.md"))
    for kept in ("knowledge-work/doc-1/0", "vectors/n/segment", "embeddings/a", "answers/a", "agents/a/b.json"):
        assert not wakes(f"t/ten-1/{kept}")
