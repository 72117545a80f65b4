from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.observability import ANSWERING, UNSEEN
from smyth.platform.routes import STREAMED
from tests.infra.conftest import Stack, plain

pytestmark = pytest.mark.xdist_group("infra")

#: How many metrics CloudWatch lets one alarm add up.
METRICS_PER_ALARM = 10


def _alarms(stack: Stack) -> dict[str, dict[str, Any]]:
    """Our alarms by name; those that watch a release have none."""
    prefix = f"smyth-{stack.customer.name}-"
    alarms = stack.of("AWS::CloudWatch::Alarm").values()
    return {alarm["AlarmName"].removeprefix(prefix): alarm for alarm in alarms if "AlarmName" in alarm}


def _metrics(alarm: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for metric in alarm.get("Metrics", [{"MetricStat": {"Metric": alarm, "Stat": alarm.get("Statistic")}}]):
        if "MetricStat" in metric:
            yield metric["MetricStat"]["Metric"]


def test_nobody_is_woken_unless_the_customer_says_whom(demo: Stack) -> None:
    kinds = {found["Type"] for found in demo.resources.values()}
    assert not {"AWS::CloudWatch::Alarm", "AWS::SNS::Topic", "AWS::Budgets::Budget"} & kinds


def test_every_alarm_is_mailed_when_it_begins_and_ends(full: Stack) -> None:
    topic = full.only("AWS::SNS::Subscription")
    assert (topic["Protocol"], topic["Endpoint"]) == ("email", "operator@example.com")
    for alarm in _alarms(full).values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [topic["TopicArn"]]
        assert alarm["TreatMissingData"] == "notBreaching"


def test_alarms_of_this_account_may_speak_to_the_topic_and_nobody_else(full: Stack) -> None:
    [allowed] = [
        statement
        for statement in full.only("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    assert (allowed["Principal"], allowed["Action"]) == ({"Service": "cloudwatch.amazonaws.com"}, "sns:Publish")
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_errors_throttles_slowness_and_dead_letters_are_watched(full: Stack) -> None:
    alarms = _alarms(full)
    watched = {name: {metric["MetricName"] for metric in _metrics(alarm)} for name, alarm in alarms.items()}
    assert watched == {
        "server-errors": {"5XXError"},
        "errors": {"Errors"},
        "throttles": {"Throttles"},
        "slow-answers": {"Duration"},
        "late-changes": {"IteratorAge"},
        "dead-letters": {"ApproximateNumberOfMessagesVisible"},
        "late-work": {"ApproximateAgeOfOldestMessage"},
    }
    assert alarms["slow-answers"]["Threshold"] == 20_000
    assert {len(list(_metrics(alarm))) for alarm in alarms.values()} <= set(range(1, METRICS_PER_ALARM + 1))


def test_every_queue_is_watched(full: Stack) -> None:
    ids = {id: one["QueueName"].removeprefix("smyth-demo-") for id, one in full.of("AWS::SQS::Queue").items()}
    watched = {
        name: {ids[metric["Dimensions"][0]["Value"]["Fn::GetAtt"][0]] for metric in _metrics(_alarms(full)[name])}
        for name in ("dead-letters", "late-work")
    }
    assert watched == {
        "dead-letters": {"dead-letters", "knowledge-dead-letters", "triggers-dead-letters"},
        "late-work": {"knowledge", "triggers"},
    }


def test_the_functions_whose_faults_the_gateway_does_not_see_are_watched_by_name(full: Stack) -> None:
    assert {"index_knowledge", "run_trigger"} <= set(UNSEEN) - set(ANSWERING)
    assert {*STREAMED, "object_created", "schedule_tick", "table_changes", "run_code"} <= set(UNSEEN)
    assert not {"authorizer", "get_agent"} & set(UNSEEN)
    assert not set(ANSWERING) & STREAMED
    ids = {made["FunctionName"]: id for id, made in full.of("AWS::Lambda::Function").items()}
    watched = {plain(metric["Dimensions"][0]["Value"]) for metric in _metrics(_alarms(full)["errors"])}
    assert watched == {f"{{{ids[f'smyth-demo-{name}']}}}" for name in UNSEEN}


def test_the_budget_is_told_before_and_when_it_is_spent(full: Stack, synthesised: Callable[..., Stack]) -> None:
    budget = full.only("AWS::Budgets::Budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 50, "Unit": "USD"}
    assert budget["Budget"]["TimeUnit"] == "MONTHLY"
    told = budget["NotificationsWithSubscribers"]
    kinds = [(one["Notification"]["NotificationType"], one["Notification"]["Threshold"]) for one in told]
    assert kinds == [("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
    assert all(one["Subscribers"][0]["Address"] == "operator@example.com" for one in told)
    without = synthesised("laptop", alarms={"email": "operator@example.com"})
    assert not without.of("AWS::Budgets::Budget")


def test_the_dashboard_shows_this_customer_s_functions_only(full: Stack) -> None:
    body = plain(full.only("AWS::CloudWatch::Dashboard")["DashboardBody"])
    titles = [widget["properties"]["title"] for widget in json.loads(body)["widgets"]]
    assert {"Requests", "Latency of the API", "Errors of functions", "Messages in queues"} <= set(titles)
    assert body.count("SEARCH(") == body.count('\\"smyth-demo-\\"') == 4
