"""Alarms that tell somebody, a budget and a dashboard, where they are wanted.

CloudWatch bills alarms by the metrics that they look at, so each one here is the cheapest that sees its fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Aws, Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import names
from infra.customer import Alarms
from smyth.platform.routes import CODE_FUNCTION, FUNCTIONS, ROUTES, STREAMED

#: Functions whose faults the API does not show as a 5xx: no route calls them, or their answer has begun before.
UNSEEN = tuple(
    function.name
    for function in FUNCTIONS
    if function.name in STREAMED | {CODE_FUNCTION}
    or function.name not in {"authorizer", *(route.function for route in ROUTES)}
)
#: The buffered functions that ask models for the API: what people wait for.
ANSWERING = tuple(
    function.name
    for function in FUNCTIONS
    if function.models and function.name not in STREAMED and function.name not in UNSEEN
)
_PERIOD = Duration.minutes(5)
#: The table's stream forgets after a day, so there is time; alerts and bills that lag by a quarter of an hour do harm.
_LATE_MS = 15 * 60 * 1000
#: What waits longer for a worker is either too much for those there may be, or fails again and again.
_WAITING_S = 30 * 60


class Observability(Construct):
    """CloudWatch, SNS and Budgets."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        customer: str,
        settings: Alarms,
        stage: apigateway.Stage,
        functions: Mapping[str, lambda_.IFunction],
        dead_letters: Sequence[sqs.IQueue],
        work: Sequence[sqs.IQueue],
        table: dynamodb.Table,
        key: kms.IKey | None,
    ) -> None:
        super().__init__(scope, id)
        self._customer = customer
        self._functions = functions
        self._topic = sns.Topic(
            self, "Topic", topic_name=f"{names.stack(customer)}-alarms", enforce_ssl=True, master_key=key
        )
        # A topic with a policy of its own, as TLS needs one, loses the one that lets the account's alarms speak.
        self._topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self._topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        self._topic.add_subscription(subscriptions.EmailSubscription(settings.email))
        self._alarms(settings, stage)
        self._alarms_of_queues(dead_letters, work)
        if settings.budget_usd is not None:
            self._budget(settings.email, settings.budget_usd)
        self._dashboard(stage, [*work, *dead_letters], table)

    def _alarms(self, settings: Alarms, stage: apigateway.Stage) -> None:
        self._alarm("server-errors", stage.metric_server_error(period=_PERIOD, statistic="Sum"), above=4)
        self._alarm("errors", self._sum_of_errors(), above=0)
        # Without dimensions, over the whole account: the concurrency that runs out is the account's too.
        throttles = cloudwatch.Metric(namespace="AWS/Lambda", metric_name="Throttles", statistic="Sum", period=_PERIOD)
        self._alarm("throttles", throttles, above=0)
        slow = settings.slow_after_seconds * 1000
        self._alarm("slow-answers", self._slowest(), above=slow, periods=3)
        behind = self._functions["table_changes"].metric("IteratorAge", period=_PERIOD, statistic="Maximum")
        self._alarm("late-changes", behind, above=_LATE_MS, periods=3)

    def _alarms_of_queues(self, dead_letters: Sequence[sqs.IQueue], work: Sequence[sqs.IQueue]) -> None:
        kept = [
            one.metric_approximate_number_of_messages_visible(period=_PERIOD, statistic="Maximum")
            for one in dead_letters
        ]
        self._alarm("dead-letters", _together("SUM", "Dead letters", kept), above=0)
        ages = [one.metric_approximate_age_of_oldest_message(period=_PERIOD, statistic="Maximum") for one in work]
        self._alarm("late-work", _together("MAX", "Age of the oldest message", ages), above=_WAITING_S, periods=3)

    def _alarm(self, name: str, metric: cloudwatch.IMetric, *, above: float, periods: int = 1) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=f"{names.stack(self._customer)}-{name}",
            alarm_description=f"docs/operations.md tells what to do about {name}.",
            metric=metric,
            threshold=above,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=periods,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))
        alarm.add_ok_action(actions.SnsAction(self._topic))

    def _sum_of_errors(self) -> cloudwatch.MathExpression:
        errors = [self._functions[name].metric_errors(period=_PERIOD, statistic="Sum") for name in UNSEEN]
        return _together("SUM", "Errors", errors)

    def _slowest(self) -> cloudwatch.MathExpression:
        p95 = [self._functions[name].metric_duration(period=_PERIOD, statistic="p95") for name in ANSWERING]
        return _together("MAX", "Slowest p95", p95)

    def _budget(self, email: str, dollars: int) -> None:
        """Over the whole account: a filter by tag would see nothing until the account's owner activates the tag."""
        told = [("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=names.stack(self._customer),
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=dollars, unit="USD"),
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        comparison_operator="GREATER_THAN",
                        notification_type=kind,
                        threshold=percent,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[budgets.CfnBudget.SubscriberProperty(subscription_type="EMAIL", address=email)],
                )
                for kind, percent in told
            ],
        )

    def _dashboard(self, stage: apigateway.Stage, queues: Sequence[sqs.IQueue], table: dynamodb.Table) -> None:
        requests = [stage.metric_count(), stage.metric_client_error(), stage.metric_server_error()]
        latency = [stage.metric_latency(statistic=statistic) for statistic in ("p50", "p95", "p99")]
        capacity = [table.metric_consumed_read_capacity_units(), table.metric_consumed_write_capacity_units()]
        waiting = [queue.metric_approximate_number_of_messages_visible(label=queue.node.id) for queue in queues]
        dashboard = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=names.stack(self._customer))
        dashboard.add_widgets(_graph("Requests", *requests), _graph("Latency of the API", *latency))
        dashboard.add_widgets(
            _graph("Errors of functions", self._of_all_functions("Errors", "Sum")),
            _graph("Duration of functions (p95)", self._of_all_functions("Duration", "p95")),
        )
        dashboard.add_widgets(
            _graph("Functions at once", self._of_all_functions("ConcurrentExecutions", "Maximum")),
            _graph("Throttled calls of functions", self._of_all_functions("Throttles", "Sum")),
        )
        dashboard.add_widgets(_graph("Capacity of the table", *capacity), _graph("Messages in queues", *waiting))

    def _of_all_functions(self, metric: str, statistic: str) -> cloudwatch.MathExpression:
        ours = f'{{AWS/Lambda,FunctionName}} MetricName="{metric}" "{names.stack(self._customer)}-"'
        return cloudwatch.MathExpression(
            expression=f"SEARCH('{ours}', '{statistic}', 300)", label="", using_metrics={}, period=_PERIOD
        )


def _together(function: str, label: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.MathExpression:
    """One figure out of several."""
    using = {f"m{position}": metric for position, metric in enumerate(metrics)}
    return cloudwatch.MathExpression(
        expression=f"{function}(METRICS())", label=label, using_metrics=using, period=_PERIOD
    )


def _graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=12, height=6)
