from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

import infra.api
import infra.document
from infra.gateway_responses import GATEWAY_RESPONSES
from smyth.platform.plans import PLANS
from smyth.platform.routes import ROUTES, Route
from tests.infra.conftest import EVERYTHING, Stack, plain

pytestmark = pytest.mark.xdist_group("infra")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_calls_its_function_behind_the_right_locks(demo: Stack, laptop: Stack, route: Route) -> None:
    for stack in (demo, laptop):
        operation = stack.document["paths"][route.path][route.method.lower()]
        integration = operation["x-amazon-apigateway-integration"]
        assert integration["type"] == "aws_proxy"
        called = f"smyth-{stack.customer.name}-{route.function}" + (":live" if stack is demo else "")
        assert f":function:{called}/" in plain(integration["uri"])
        assert integration["credentials"]
        locks = {name for requirement in operation["security"] for name in requirement}
        assert ("authorizer" in locks) == (route.auth != "public")
        assert ("api_key" in locks) == route.billable


def test_there_are_no_routes_but_those_of_the_table(demo: Stack) -> None:
    found = {(method.upper(), path) for path, item in demo.document["paths"].items() for method in item}
    assert found == {(route.method, route.path) for route in ROUTES}


def test_path_parameters_are_declared(demo: Stack) -> None:
    for path, item in demo.document["paths"].items():
        for operation in item.values():
            declared = [parameter["name"] for parameter in operation.get("parameters", [])]
            assert declared == re.findall(r"\{(\w+)\}", path)


def test_streams_flow_in_aws_and_are_left_to_the_front_on_the_laptop(demo: Stack, laptop: Stack) -> None:
    for route in (route for route in ROUTES if route.stream):
        path, method = route.path, route.method.lower()
        there = demo.document["paths"][path][method]["x-amazon-apigateway-integration"]
        assert there["responseTransferMode"] == "STREAM"
        assert plain(there["uri"]).endswith("/response-streaming-invocations")
        assert "2021-11-15" in plain(there["uri"])
        assert there["timeoutInMillis"] == 900_000
        here = laptop.document["paths"][path][method]["x-amazon-apigateway-integration"]
        assert "responseTransferMode" not in here
        assert plain(here["uri"]).endswith("/invocations")


def test_the_authorizer_sees_every_request_anew(demo: Stack) -> None:
    scheme = demo.document["components"]["securitySchemes"]["authorizer"]["x-amazon-apigateway-authorizer"]
    assert scheme["type"] == "request"
    assert scheme["authorizerResultTtlInSeconds"] == 0
    assert "identitySource" not in scheme
    assert "smyth-demo-authorizer:live/" in plain(scheme["authorizerUri"])


def test_the_customer_says_where_the_gateway_finds_the_plan_s_key(demo: Stack, laptop: Stack) -> None:
    assert demo.document["x-amazon-apigateway-api-key-source"] == "AUTHORIZER"
    assert laptop.document["x-amazon-apigateway-api-key-source"] == "HEADER"


def test_files_reach_the_functions_unharmed(demo: Stack) -> None:
    assert "multipart/form-data" in demo.only("AWS::ApiGateway::RestApi")["BinaryMediaTypes"]


def test_every_tier_has_a_usage_plan_with_its_figures(demo: Stack) -> None:
    plans = {plan["UsagePlanName"]: plan for plan in demo.of("AWS::ApiGateway::UsagePlan").values()}
    assert set(plans) == {f"smyth-demo-{name}" for name in PLANS}
    for name, tier in PLANS.items():
        plan = plans[f"smyth-demo-{name}"]
        assert plan["Throttle"] == {"RateLimit": tier.throttle.rate, "BurstLimit": tier.throttle.burst}
        quota = tier.throttle.quota_per_month
        assert plan.get("Quota") == ({"Limit": quota, "Period": "MONTH"} if quota else None)
        assert len(plan["ApiStages"]) == 1


def test_a_customer_changes_and_adds_tiers(synthesised: Callable[..., Stack]) -> None:
    gold = {"price_per_month": 1, "throttle": {"rate": 7, "burst": 9}}
    stack = synthesised("laptop", plans={"basic": {"throttle": {"rate": 3}}, "gold": gold})
    plans = {plan["UsagePlanName"]: plan for plan in stack.of("AWS::ApiGateway::UsagePlan").values()}
    assert plans["smyth-laptop-basic"]["Throttle"] == {"RateLimit": 3, "BurstLimit": 10}
    assert plans["smyth-laptop-gold"]["Throttle"] == {"RateLimit": 7, "BurstLimit": 9}
    environment = stack.functions()["manage_tenants"]["Environment"]["Variables"]
    assert set(json.loads(plain(environment["USAGE_PLAN_IDS"]))) == {*PLANS, "gold"}
    assert json.loads(environment["SMYTH_PLANS"])["gold"] == gold


def test_the_gateway_s_own_errors_are_problem_documents(demo: Stack, laptop: Stack) -> None:
    inside = demo.document["x-amazon-apigateway-gateway-responses"]
    beside = {one["ResponseType"]: one for one in laptop.of("AWS::ApiGateway::GatewayResponse").values()}
    assert "x-amazon-apigateway-gateway-responses" not in laptop.document
    assert not demo.of("AWS::ApiGateway::GatewayResponse")
    assert set(inside) == set(beside) == set(GATEWAY_RESPONSES)
    for kind, response in inside.items():
        assert response["responseParameters"] == beside[kind]["ResponseParameters"]
        assert response["responseTemplates"] == beside[kind]["ResponseTemplates"]
        assert response.get("statusCode") == beside[kind].get("StatusCode")
        problem = json.loads(response["responseTemplates"]["application/json"])
        assert {"type", "title", "detail", "instance", "request_id"} <= set(problem)
        assert problem["type"].startswith("urn:smyth:problem:")
        assert str(problem.get("status", "")) == response.get("statusCode", "")
        assert response["responseParameters"]["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
    assert inside["THROTTLED"]["responseParameters"]["gatewayresponse.header.Retry-After"] == "'1'"


def test_no_word_of_the_caller_gets_into_the_gateway_s_errors(demo: Stack) -> None:
    known = {"$context.requestId", "$context.resourcePath"}
    for response in demo.document["x-amazon-apigateway-gateway-responses"].values():
        assert set(re.findall(r"\$[\w.]+", response["responseTemplates"]["application/json"])) <= known


def test_a_change_of_the_document_makes_a_new_deployment(
    laptop: Stack, synthesised: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch
) -> None:
    further = (*ROUTES, Route("GET", "/api/further", "list_agents"))
    monkeypatch.setattr(infra.document, "ROUTES", further)
    monkeypatch.setattr(infra.api, "ROUTES", further)
    changed = synthesised("laptop")
    assert set(changed.of("AWS::ApiGateway::Deployment")) != set(laptop.of("AWS::ApiGateway::Deployment"))
    assert len(changed.resources) == len(laptop.resources), "a further route of a known function costs no resource"


def test_access_logs_are_written_unless_the_customer_wants_none(demo: Stack, laptop: Stack) -> None:
    assert "AccessLogSetting" not in laptop.only("AWS::ApiGateway::Stage")
    stage = demo.only("AWS::ApiGateway::Stage")
    assert "$context.requestId" in stage["AccessLogSetting"]["Format"]
    [everywhere] = stage["MethodSettings"]
    assert everywhere["LoggingLevel"] == "ERROR"
    assert everywhere["DataTraceEnabled"] is False, "bodies and keys stay out of the logs"
    groups = {plain(group["LogGroupName"]): group for group in demo.of("AWS::Logs::LogGroup").values()}
    [api] = demo.of("AWS::ApiGateway::RestApi")
    for name in ("/aws/apigateway/smyth-demo", f"API-Gateway-Execution-Logs_{{{api}}}/api"):
        assert groups[name]["RetentionInDays"] == 14


def test_a_customer_s_own_domain_leads_to_the_stage(full: Stack, synthesised: Callable[..., Stack]) -> None:
    [(id, domain)] = full.of("AWS::ApiGateway::DomainName").items()
    assert domain["DomainName"] == "agents.example.com"
    assert domain["SecurityPolicy"] == "TLS_1_2"
    mapping = full.only("AWS::ApiGateway::BasePathMapping")
    [stage] = full.of("AWS::ApiGateway::Stage")
    assert (mapping["DomainName"], mapping["Stage"]) == ({"Ref": id}, {"Ref": stage})
    record = full.only("AWS::Route53::RecordSet")
    assert record["HostedZoneId"] == "Z0123"
    assert record["AliasTarget"]["DNSName"] == {"Fn::GetAtt": [id, "RegionalDomainName"]}
    assert full.template["Outputs"]["ApiUrl"]["Value"] == "https://agents.example.com"
    elsewhere = synthesised("laptop", domain={**EVERYTHING["domain"], "hosted_zone_id": None})
    assert not elsewhere.of("AWS::Route53::RecordSet")
    assert elsewhere.template["Outputs"]["DomainTarget"]["Value"]["Fn::GetAtt"][1] == "RegionalDomainName"


def test_requests_are_traced_when_the_customer_wants_it(demo: Stack, full: Stack) -> None:
    traced = {name for name, made in full.functions().items() if made.get("TracingConfig") == {"Mode": "Active"}}
    assert traced == set(full.functions()) - {"run_code"}
    assert full.only("AWS::ApiGateway::Stage")["TracingEnabled"] is True
    assert not [name for name, made in demo.functions().items() if "TracingConfig" in made]
