"""Tenants behind API Gateway's usage plans."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import boto3
import pytest

from smyth.aws.usage_fence import ApiGatewayFence
from smyth.platform.tenants import Tenant
from tests.integration.events import new_tenant_id

PLANS = ("basic", "pro")


@pytest.fixture(scope="module")
def usage_plans(cloud: str) -> dict[str, str]:
    client = boto3.client("apigateway", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    return {name: client.create_usage_plan(name=name)["id"] for name in PLANS}


def a_tenant() -> Tenant:
    identifier = new_tenant_id().upper()
    return Tenant(id=new_tenant_id(), name="t", plan="basic", usage_identifier=identifier, created_at=datetime.now(UTC))


def behind(usage_plans: dict[str, str], tenant: Tenant) -> list[str]:
    """The plans whose fence the tenant stands behind."""
    client = boto3.client("apigateway")
    return [
        name
        for name, plan in usage_plans.items()
        if tenant.id in [key["name"] for key in client.get_usage_plan_keys(usagePlanId=plan, limit=500)["items"]]
    ]


def test_a_tenant_stands_behind_its_plans_fence_and_moves_with_its_plan(usage_plans: dict[str, str]) -> None:
    fence, tenant = ApiGatewayFence(usage_plans), a_tenant()
    fence.place(tenant, "basic")
    fence.place(tenant, "basic")
    assert behind(usage_plans, tenant) == ["basic"]
    fence.place(tenant, "pro")
    assert behind(usage_plans, tenant) == ["pro"]
    keys = boto3.client("apigateway").get_api_keys(nameQuery=tenant.id, includeValues=True)["items"]
    assert [key["value"] for key in keys] == [tenant.usage_identifier]


def test_a_plan_without_fence_leaves_the_tenant_behind_none(usage_plans: dict[str, str]) -> None:
    fence, tenant = ApiGatewayFence(usage_plans), a_tenant()
    fence.place(tenant, "basic")
    fence.place(tenant, "custom")
    assert behind(usage_plans, tenant) == []


def test_without_usage_plans_nothing_is_asked_of_the_gateway(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    ApiGatewayFence({}, client=object()).place(a_tenant(), "basic")  # type: ignore[arg-type]
    assert "no usage plans" in caplog.text
