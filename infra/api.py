"""The REST API: one OpenAPI document, one stage, one usage plan per tier."""

from __future__ import annotations

from typing import Any

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import names
from infra.customer import Customer
from infra.document import BINARY_MEDIA_TYPES, api_document
from infra.functions import arn
from infra.gateway_responses import GATEWAY_RESPONSES
from smyth.platform.plans import Plan
from smyth.platform.routes import ROUTES


class Api(Construct):
    """API Gateway. It names the functions by ARN and never depends on them, so they may depend on it."""

    def __init__(self, scope: Construct, id: str, *, customer: Customer) -> None:
        super().__init__(scope, id)
        self._customer = customer
        self.api = apigateway.SpecRestApi(
            self,
            "Api",
            rest_api_name=names.stack(customer.name),
            api_definition=apigateway.ApiDefinition.from_inline(self._document()),
            binary_media_types=list(BINARY_MEDIA_TYPES),
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            cloud_watch_role=customer.access_logs,
            deploy_options=self._stage(),
        )
        if customer.gateway_responses == "resources":
            self._gateway_responses()
        self.usage_plans = {name: self._usage_plan(plan) for name, plan in customer.price_list().items()}

    @property
    def usage_plan_ids(self) -> dict[str, str]:
        """API Gateway's id of each tier's usage plan."""
        return {name: plan.usage_plan_id for name, plan in self.usage_plans.items()}

    def _document(self) -> dict[str, Any]:
        """The document; API Gateway calls the functions in the name of one role."""
        called = sorted({route.function for route in ROUTES} | {"authorizer"})
        role = iam.Role(
            self,
            "Invoke",
            assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
            description=f"{names.stack(self._customer.name)}: API Gateway calls the functions that answer routes",
            inline_policies={
                "invoke": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=["lambda:InvokeFunction"],
                            resources=[arn(self._customer, name) for name in called],
                        )
                    ]
                )
            },
        )
        return api_document(self._customer, arn=lambda name: arn(self._customer, name), role_arn=role.role_arn)

    def _stage(self) -> apigateway.StageOptions:
        customer = self._customer
        logged: dict[str, Any] = {}
        if customer.access_logs:
            group = logs.CfnLogGroup(
                self,
                "AccessLog",
                log_group_name=f"/aws/apigateway/{names.stack(customer.name)}",
                retention_in_days=customer.log_retention_days,
            )
            group.apply_removal_policy(RemovalPolicy.DESTROY)
            logged = {
                "access_log_destination": apigateway.LogGroupLogDestination(group),
                "access_log_format": apigateway.AccessLogFormat.json_with_standard_fields(
                    caller=False, http_method=True, ip=True, protocol=True, request_time=True, resource_path=True,
                    response_length=True, status=True, user=False,
                ),
            }  # fmt: skip
        return apigateway.StageOptions(
            stage_name=names.STAGE,
            throttling_rate_limit=customer.throttle.rate,
            throttling_burst_limit=customer.throttle.burst,
            metrics_enabled=True,
            **logged,
        )

    def _gateway_responses(self) -> None:
        for kind, response in GATEWAY_RESPONSES.items():
            made = apigateway.CfnGatewayResponse(
                self,
                f"Response-{kind}",
                rest_api_id=self.api.rest_api_id,
                response_type=kind,
                status_code=str(response.status) if response.status else None,
                response_parameters=response.parameters(),
                response_templates=response.templates(),
            )
            deployment = self.api.latest_deployment
            assert deployment is not None
            deployment.node.add_dependency(made)
            deployment.add_to_logical_id([kind, response.parameters(), response.templates()])

    def _usage_plan(self, plan: Plan) -> apigateway.UsagePlan:
        quota = plan.throttle.quota_per_month
        return apigateway.UsagePlan(
            self,
            f"Plan-{plan.name}",
            name=names.usage_plan(self._customer.name, plan.name),
            description=f"The outer fence of the tier {plan.name}; the exact limit is counted at admission.",
            api_stages=[apigateway.UsagePlanPerApiStage(api=self.api, stage=self.api.deployment_stage)],
            throttle=apigateway.ThrottleSettings(rate_limit=plan.throttle.rate, burst_limit=plan.throttle.burst),
            quota=apigateway.QuotaSettings(limit=quota, period=apigateway.Period.MONTH) if quota else None,
        )

    def url(self) -> str:
        """The address of the stage."""
        return f"https://{self.api.rest_api_id}.execute-api.{Aws.REGION}.{Aws.URL_SUFFIX}/{names.STAGE}"
