"""Calls of every route for money, people and whole tenants, for the test of rights."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.infra.callers import Caller
from tests.infra.cloud import Cloud
from tests.peers.oidc_server import OidcServer


def bills(operator: Caller, tenant: Caller, tenant_id: str) -> None:
    """Look at bills as the tenant and as the operator, who writes down what was paid."""
    assert len(tenant("GET", "/api/billing/plans")["items"]) == 5
    tenant("GET", "/api/billing/invoices")
    assert tenant("GET", "/api/billing/invoice")["lines"]
    assert "<html" in tenant("GET", "/api/billing/invoice?format=html")
    # Nobody sells packages of requests on this plan, nor is there Stripe.
    tenant("POST", "/api/billing/prepaid", json={"packages": 1}, refused=422)
    tenant("POST", "/api/billing/stripe-webhook", json={}, refused=404)
    paid = {"kind": "payment", "amount": "12.50", "reference": "by bank"}
    payment = operator("POST", "/api/tenants/{tenant_id}/payments", tenant_id=tenant_id, json=paid)
    assert [one["id"] for one in tenant("GET", "/api/billing/payments")["items"]] == [payment["id"]]
    operator("GET", "/api/tenants/{tenant_id}/payments", tenant_id=tenant_id)
    operator("GET", "/api/tenants/{tenant_id}/invoice", tenant_id=tenant_id)
    today = datetime.now(UTC).date().isoformat()
    days = {"from": today, "to": today, "repair": True}
    operator("POST", "/api/tenants/{tenant_id}/rebuild", tenant_id=tenant_id, json=days)


def budgets_and_alerts(tenant: Caller) -> None:
    """Limit what is spent, and ask to be told."""
    tenant("PUT", "/api/budgets/{scope}", scope="tenant", json={"amount": "5.00"})
    assert tenant("GET", "/api/budgets")["items"][0]["scope"] == "tenant"
    agent_id = tenant("POST", "/api/agents/create", json={"name": "Of a budget", "model": "Echo"})["id"]
    said = {"message": "within the budget"}
    assert tenant("POST", "/api/agents/{agent_id}/prompt", agent_id=agent_id, json=said)["output"]
    tenant("DELETE", "/api/budgets/{scope}", scope="tenant")
    tenant("PUT", "/api/alerts", json={"levels": [80]})
    tenant("POST", "/api/alerts/test")
    assert "test" in {alert["kind"] for alert in tenant("GET", "/api/alerts")["recent"]}


def people(cloud: Cloud, tenant: Caller, issuer: OidcServer) -> Caller:
    """Invite somebody who signs in, accepts and goes; return who that was."""
    withdrawn = tenant("POST", "/api/invitations", json={"name": "Eve", "role": "viewer"})
    tenant("GET", "/api/invitations")
    tenant("DELETE", "/api/invitations/{invitation_id}", invitation_id=withdrawn["id"])
    code = tenant("POST", "/api/invitations", json={"name": "Ada", "role": "developer"})["code"]
    person = Caller(cloud, issuer.access_token("ada"))
    member_id = person("POST", "/api/invitations/accept", json={"code": code})["id"]
    member = Caller(cloud, issuer.access_token("ada"))
    member("GET", "/api/agents")
    tenant("GET", "/api/members")
    tenant("PATCH", "/api/members/{member_id}", member_id=member_id, json={"role": "viewer"})
    tenant("DELETE", "/api/members/{member_id}", member_id=member_id)
    return person


def audits(operator: Caller, tenant: Caller) -> None:
    """Read what was done."""
    assert tenant("GET", "/api/audit")["items"]
    assert '"head"' in tenant("GET", "/api/audit/export")
    operator("GET", "/api/audit")


def export_and_erasure(cloud: Cloud, operator: Caller, tenant_id: str) -> None:
    """Act as a tenant, take all that it has along, and begin to erase it."""
    wish = {"reason": "a question", "role": "viewer"}
    shown = operator("POST", "/api/tenants/{tenant_id}/impersonate", tenant_id=tenant_id, json=wish)
    Caller(cloud, shown["key"])("GET", "/api/agents")
    assert operator("GET", "/api/tenants/{tenant_id}/export", tenant_id=tenant_id)["status"] == "running"
    assert cloud.invoke("schedule_tick", {})["exported"] == 1
    export = operator("GET", "/api/tenants/{tenant_id}/export", tenant_id=tenant_id)
    assert (export["status"], len(export["links"])) == ("ready", 1)
    assert _gateway_keys(cloud, tenant_id) == 1
    assert operator("DELETE", "/api/tenants/{tenant_id}", tenant_id=tenant_id)["status"] == "erasing"
    assert _gateway_keys(cloud, tenant_id) == 0


def _gateway_keys(cloud: Cloud, tenant_id: str) -> int:
    return sum(one["name"] == tenant_id for one in cloud.aws("apigateway").get_api_keys(limit=500)["items"])
