"""The REST API: one OpenAPI document, one stage, one usage plan per tier, and a domain where one is wanted."""

from __future__ import annotations

from typing import Any

from aws_cdk import Aws, CfnOutput, RemovalPolicy
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53 as route53
from constructs import Construct

from infra import names
from infra.customer import Customer, Domain
from infra.document import BINARY_MEDIA_TYPES, api_document
from infra.functions import arn
from infra.gateway_responses import GATEWAY_RESPONSES
from smyth.platform.plans import Plan
from smyth.platform.routes import ROUTES


class Api(Construct):
    """API Gateway. It names the functions by ARN and never depends on them, so they may depend on it."""

    def __init__(self, scope: Construct, id: str, *, customer: Customer, key: kms.IKey | None) -> None:
        super().__init__(scope, id)
        self._customer = customer
        self._key = key
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
        if customer.access_logs:
            self._execution_log()
        if customer.domain:
            self._domain(customer.domain)
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
            group = self._log_group("AccessLog", names.access_log(customer.name))
            logged = {
                # The gateway's own faults, without bodies and headers.
                "logging_level": apigateway.MethodLoggingLevel.ERROR,
                "data_trace_enabled": False,
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
            tracing_enabled=customer.xray,
            **logged,
        )

    def _execution_log(self) -> None:
        """Make the group that the gateway would else make by itself, to be kept for ever."""
        name = f"API-Gateway-Execution-Logs_{self.api.rest_api_id}/{names.STAGE}"
        self.api.deployment_stage.node.add_dependency(self._log_group("ExecutionLog", name))

    def _log_group(self, id: str, name: str) -> logs.CfnLogGroup:
        group = logs.CfnLogGroup(
            self,
            id,
            log_group_name=name,
            retention_in_days=self._customer.log_retention_days,
            kms_key_id=self._key.key_arn if self._key else None,
        )
        group.apply_removal_policy(RemovalPolicy.DESTROY)
        return group

    def _domain(self, settings: Domain) -> None:
        domain = apigateway.CfnDomainName(
            self,
            "Domain",
            domain_name=settings.name,
            regional_certificate_arn=settings.certificate_arn,
            endpoint_configuration=apigateway.CfnDomainName.EndpointConfigurationProperty(types=["REGIONAL"]),
            security_policy="TLS_1_2",
        )
        apigateway.CfnBasePathMapping(
            self,
            "DomainMapping",
            domain_name=domain.ref,
            rest_api_id=self.api.rest_api_id,
            stage=self.api.deployment_stage.stage_name,
        )
        if settings.hosted_zone_id:
            route53.CfnRecordSet(
                self,
                "DomainRecord",
                name=settings.name,
                type="A",
                hosted_zone_id=settings.hosted_zone_id,
                alias_target=route53.CfnRecordSet.AliasTargetProperty(
                    dns_name=domain.attr_regional_domain_name, hosted_zone_id=domain.attr_regional_hosted_zone_id
                ),
            )
        CfnOutput(self, "DomainTarget", value=domain.attr_regional_domain_name).override_logical_id("DomainTarget")

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
        """The address of the stage, under the customer's own name where there is one."""
        if self._customer.domain:
            return f"https://{self._customer.domain.name}"
        return f"https://{self.api.rest_api_id}.execute-api.{Aws.REGION}.{Aws.URL_SUFFIX}/{names.STAGE}"
