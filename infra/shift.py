"""How a new version takes over: little by little, and back again when functions fail meanwhile.

Little by little where there is traffic: a tenth of ten minutes' calls tells nothing of a function that is called now
and then. Those change at once, but their failures take back the release all the same, and them with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra import names
from infra.customer import Customer
from smyth.platform.routes import CODE_FUNCTION, ROUTES

_CONFIGS = {
    "linear": codedeploy.LambdaDeploymentConfig.LINEAR_10_PERCENT_EVERY_1_MINUTE,
    "canary": codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES,
}
#: As many metrics as one alarm may add up.
_METRICS_PER_ALARM = 10
_PERIOD = Duration.minutes(1)
#: What callers' programs use all the time: agents and searches, and what stands before and behind them.
GRADUAL = {route.function for route in ROUTES if route.billable or route.stream} | {"authorizer", CODE_FUNCTION}
#: Refusals are answers; what counts here are functions that failed. One may be somebody's network.
_ERRORS = 3


class Shift(Construct):
    """CodeDeploy moves aliases to their new versions. One release is one thing: an error in any function stops all."""

    def __init__(self, scope: Construct, id: str, *, customer: Customer, aliases: Mapping[str, lambda_.Alias]) -> None:
        super().__init__(scope, id)
        application = codedeploy.LambdaApplication(self, "Application", application_name=names.stack(customer.name))
        shifted = {name: alias for name, alias in aliases.items() if name in GRADUAL}
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com"),
            description=f"{names.stack(customer.name)}: CodeDeploy moves the aliases",
            inline_policies={"shift": _rights(shifted)},
        ).without_policy_updates()
        alarms = list(self._alarms(customer, aliases))
        for name, alias in shifted.items():
            codedeploy.LambdaDeploymentGroup(
                self,
                name,
                application=application,
                deployment_group_name=name,
                alias=alias,
                role=role,
                deployment_config=_CONFIGS[customer.canary],
                alarms=alarms,
            )

    def _alarms(self, customer: Customer, aliases: Mapping[str, lambda_.Alias]) -> Iterator[cloudwatch.Alarm]:
        """Few alarms over many functions: each resource counts."""
        # To Lambda the authorizer's refusals are errors; where it fails, the API answers that it failed.
        failures = [_failed_requests(customer)]
        failures += [_errors(alias) for name, alias in aliases.items() if name != "authorizer"]
        for start in range(0, len(failures), _METRICS_PER_ALARM):
            part = failures[start : start + _METRICS_PER_ALARM]
            yield cloudwatch.Alarm(
                self,
                f"Errors{start // _METRICS_PER_ALARM}",
                alarm_description="Functions failed; the versions that are taking over are taken back.",
                metric=cloudwatch.MathExpression(
                    expression="SUM(METRICS())",
                    using_metrics={f"m{number}": metric for number, metric in enumerate(part)},
                    period=_PERIOD,
                    label="errors",
                ),
                threshold=_ERRORS,
                evaluation_periods=1,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )


def _failed_requests(customer: Customer) -> cloudwatch.IMetric:
    """Requests that the API answered with a failure of ours."""
    return cloudwatch.Metric(
        namespace="AWS/ApiGateway",
        metric_name="5XXError",
        dimensions_map={"ApiName": names.stack(customer.name), "Stage": names.STAGE},
        statistic="Sum",
        period=_PERIOD,
    )


def _errors(alias: lambda_.Alias) -> cloudwatch.IMetric:
    """Errors of what is called through the alias, by whichever version."""
    return cloudwatch.Metric(
        namespace="AWS/Lambda",
        metric_name="Errors",
        dimensions_map={
            "FunctionName": alias.version.lambda_.function_name,
            "Resource": f"{alias.version.lambda_.function_name}:{names.ALIAS}",
        },
        statistic="Sum",
        period=_PERIOD,
    )


def _rights(aliases: Mapping[str, lambda_.Alias]) -> iam.PolicyDocument:
    """What AWS's own AWSCodeDeployRoleForLambdaLimited allows, as far as it is needed, on these functions only."""
    functions = [alias.version.lambda_.function_arn for alias in aliases.values()]
    return iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(
                actions=["lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"],
                resources=[*functions, *(f"{function}:{names.ALIAS}" for function in functions)],
            ),
            # Alarms are described by a list, which has no name of its own.
            iam.PolicyStatement(
                actions=["cloudwatch:DescribeAlarms"],
                resources=[f"arn:{Aws.PARTITION}:cloudwatch:{Aws.REGION}:{Aws.ACCOUNT_ID}:alarm:*"],
            ),
        ]
    )
