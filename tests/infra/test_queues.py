"""Work waits in queues, and what starts agents by itself has what it needs."""

from __future__ import annotations

import pytest

from infra.permissions import GRANTS
from infra.queues import RECEIVES, WORKERS
from smyth.http.settings import Settings
from smyth.platform.routes import FUNCTIONS
from tests.infra.conftest import Stack, plain

pytestmark = pytest.mark.xdist_group("infra")

TIMEOUTS = {function.name: function.timeout_s for function in FUNCTIONS}


def _queues(stack: Stack) -> dict[str, tuple[str, dict[str, object]]]:
    """Logical id and properties of the queues, by our names."""
    prefix = f"smyth-{stack.customer.name}-"
    return {one["QueueName"].removeprefix(prefix): (id, one) for id, one in stack.of("AWS::SQS::Queue").items()}


def _environment(stack: Stack, function: str) -> dict[str, str]:
    variables = stack.functions()[function]["Environment"]["Variables"]
    return {name: plain(value) for name, value in variables.items()}


def test_a_message_that_fails_is_tried_again_and_then_kept(demo: Stack) -> None:
    queues = _queues(demo)
    for name, worker in WORKERS.items():
        (_, work), (kept, dead_letters) = queues[name], queues[f"{name}-dead-letters"]
        assert work["RedrivePolicy"] == {
            "deadLetterTargetArn": {"Fn::GetAtt": [kept, "Arn"]},
            "maxReceiveCount": RECEIVES,
        }
        assert work["VisibilityTimeout"] > TIMEOUTS[worker], "a message that is worked on is not handed out again"
        assert dead_letters["MessageRetentionPeriod"] > work["MessageRetentionPeriod"]


def test_each_worker_is_called_with_one_message_and_no_more_of_them_than_the_customer_says(demo: Stack) -> None:
    aliases = {id: plain(one["FunctionName"]) for id, one in demo.of("AWS::Lambda::Alias").items()}
    functions = {f"{{{id}}}": one["FunctionName"] for id, one in demo.of("AWS::Lambda::Function").items()}
    mappings = {
        plain(one["EventSourceArn"]): one
        for one in demo.of("AWS::Lambda::EventSourceMapping").values()
        if "ScalingConfig" in one
    }
    assert len(mappings) == len(WORKERS)
    for name, at_once in (("knowledge", 5), ("triggers", 20)):
        mapping = mappings[f"{{{_queues(demo)[name][0]}.Arn}}"]
        called = next(function for alias, function in aliases.items() if alias in plain(mapping["FunctionName"]))
        assert functions[called] == f"smyth-demo-{WORKERS[name]}"
        assert mapping["BatchSize"] == 1
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["ScalingConfig"] == {"MaximumConcurrency": at_once}


def test_only_rules_of_the_stack_s_bus_may_send_without_a_role(demo: Stack) -> None:
    triggers = {f"{{{_queues(demo)[name][0]}}}" for name in ("triggers", "triggers-dead-letters")}
    allowed = {
        tuple(sorted(map(plain, policy["Queues"]))): statement
        for policy in demo.of("AWS::SQS::QueuePolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow" and "rule/smyth-demo/*" in str(statement["Condition"])
    }
    assert [set(queues) for queues in allowed] == [triggers]
    [statement] = allowed.values()
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}


def test_schedules_act_by_a_role_that_may_send_to_triggers_alone(demo: Stack) -> None:
    [role] = [
        role
        for role in demo.of("AWS::IAM::Role").values()
        if "scheduler.amazonaws.com" in str(role["AssumeRolePolicyDocument"])
    ]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert plain(trust["Condition"]["ArnEquals"]["aws:SourceArn"]).endswith(":schedule-group/smyth-demo")
    [policy] = role["Policies"]
    [statement] = policy["PolicyDocument"]["Statement"]
    queues = _queues(demo)
    assert statement["Action"] == "sqs:SendMessage"
    assert {plain(one) for one in statement["Resource"]} == {
        f"{{{queues[name][0]}.Arn}}" for name in ("triggers", "triggers-dead-letters")
    }


def test_functions_are_told_where_what_they_may_touch_is_and_no_more(demo: Stack) -> None:
    for name in (function.name for function in FUNCTIONS if function.name in GRANTS):
        settings, grant = Settings.from_env(_environment(demo, name)), GRANTS[name]
        queues = {*grant.sends, *grant.takes}
        assert bool(settings.knowledge_queue) == ("knowledge" in queues), name
        assert bool(settings.trigger_queue) == ("triggers" in queues), name
        told = (settings.trigger_queue_arn, settings.trigger_dead_letters_arn, settings.schedule_role_arn)
        assert [bool(one) for one in told] == [grant.occasions] * 3, name
        bus_and_group = "smyth-demo" if grant.occasions else ""
        assert (settings.schedule_group, settings.triggers_bus) == (bus_and_group, bus_and_group), name
        credentials = "smyth/demo/credentials/" if grant.credentials != "none" else ""
        assert settings.credentials_prefix == credentials, name
