"""Whose word on the caller counts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from smyth.http import caller as caller_module
from smyth.http.app import create_app
from smyth.http.caller import CONTEXT_HEADER, OperatorCaller, TenantCaller
from smyth.http.settings import Settings
from smyth.platform.access import Caller
from tests.unit.http.client import Client

MEMBER = Caller("ten-1", "owner", "key-1", plan="basic", limits=(("agents", None),), agents=(), routes=())


def client(monkeypatch: pytest.MonkeyPatch, *, trusting: bool) -> Client:
    given = Settings("table", "bucket", trust_request_context=trusting)
    monkeypatch.setattr(caller_module, "settings", lambda: given)
    app = create_app("test")

    @app.get("/api/agents")
    def agents(caller: TenantCaller) -> dict[str, str]:
        return {"tenant": caller.tenant_id}

    @app.get("/api/tenants")
    def tenants(caller: OperatorCaller) -> dict[str, str]:
        return {}

    return Client(app)


def header(said: dict[str, Any]) -> dict[str, str]:
    return {CONTEXT_HEADER: json.dumps({"authorizer": said})}


def test_a_context_header_counts_only_where_the_front_alone_can_send_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = header(MEMBER.to_context())
    assert client(monkeypatch, trusting=False).get("/api/agents", headers=sent).status_code == 401
    assert client(monkeypatch, trusting=True).get("/api/agents", headers=sent).json() == {"tenant": "ten-1"}


@pytest.mark.parametrize("said", [{}, {"role": "owner"}, {"role": "", "tenant_id": "ten-1"}])
def test_a_caller_without_role_or_tenant_is_unauthorized(said: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert client(monkeypatch, trusting=True).get("/api/agents", headers=header(said)).status_code == 401


def test_the_operator_has_no_agents_and_tenants_have_no_tenants(monkeypatch: pytest.MonkeyPatch) -> None:
    operator = header(Caller("", "operator", "operator").to_context())
    trusting = client(monkeypatch, trusting=True)
    assert trusting.get("/api/agents", headers=operator).status_code == 403
    assert trusting.get("/api/tenants", headers=operator).status_code == 200
    assert trusting.get("/api/tenants", headers=header(MEMBER.to_context())).status_code == 403


class _Scope:
    """A request as far as the address of the service is concerned."""

    def __init__(self, path: str, **headers: str) -> None:
        self.scope = {"path": path}
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.mark.parametrize(
    ("context", "path", "expected"),
    [
        ({"domainName": "x.execute-api.com", "path": "/v1/api/agents"}, "/api/agents", "https://x.execute-api.com/v1"),
        ({"domainName": "api.example.com", "path": "/api/agents"}, "/api/agents", "https://api.example.com"),
        ({"path": "/api/agents"}, "/api/agents", ""),
        ({}, "/api/agents", ""),
    ],
)
def test_the_gateway_tells_where_the_service_is_found(
    monkeypatch: pytest.MonkeyPatch, context: dict[str, str], path: str, expected: str
) -> None:
    monkeypatch.setattr(caller_module, "settings", lambda: Settings("table", "bucket"))
    sent: Any = _Scope(path, x_forwarded_host="evil.example.com")
    assert caller_module._public_url(sent, context) == expected


def test_a_forwarded_host_counts_only_behind_the_laptops_front(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller_module, "settings", lambda: Settings("table", "bucket", trust_forwarded_host=True))
    sent: Any = _Scope("/api/agents", x_forwarded_host="127.0.0.1:8080")
    assert caller_module._public_url(sent, {"domainName": "emulator"}) == "http://127.0.0.1:8080"
    without: Any = _Scope("/api/agents")
    assert caller_module._public_url(without, {"domainName": "emulator"}) == ""


def test_a_caller_survives_the_way_through_the_context() -> None:
    full = Caller(
        "ten-1",
        "viewer",
        "key-1",
        plan="pro",
        limits=(("requests_per_month", 5), ("agents", None)),
        status="suspended",
        agents=("agt-1",),
        routes=("GET /api/agents",),
        time_zone="Asia/Tokyo",
        requests_per_minute=60,
        key_requests_per_minute=6,
        budgeted=True,
        subject="ann",
        acting_for="operator",
    )
    context = full.to_context()
    assert all(isinstance(value, str) for value in context.values())
    assert Caller.from_context(context) == full
