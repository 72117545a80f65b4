"""Who may call which route."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smyth.platform.access import ROLES, Caller, authorize, presented_key
from smyth.platform.errors import Forbidden
from smyth.platform.routes import ROUTES

OWNER = Caller("ten-1", "owner", "key-1")
LEAST_ROLE = {
    ("GET", "/api/agents"): "viewer",
    ("GET", "/api/agents/{agent_id}/export"): "viewer",
    ("GET", "/api/usage"): "viewer",
    ("POST", "/api/agents/import"): "developer",
    ("PATCH", "/api/agents/{agent_id}"): "developer",
    ("POST", "/api/agents/{agent_id}/prompt"): "developer",
    ("GET", "/api/agents/{agent_id}/run/{endpoint}"): "developer",
    ("GET", "/api/agents/{agent_id}/chat"): "developer",
    ("GET", "/api/keys"): "admin",
    ("POST", "/api/keys"): "admin",
    ("DELETE", "/api/keys/{key_id}"): "admin",
}


def allowed(caller: Caller, method: str, path: str, agent_id: str | None = None) -> bool:
    try:
        authorize(caller, method, path, agent_id)
    except Forbidden:
        return False
    return True


@pytest.mark.parametrize(("method", "path"), LEAST_ROLE)
def test_a_route_takes_its_least_role_and_those_above(method: str, path: str) -> None:
    may = [role for role in ROLES if allowed(replace(OWNER, role=role), method, path)]
    assert may == list(ROLES[ROLES.index(LEAST_ROLE[method, path]) :])


def test_a_role_that_nobody_knows_may_nothing() -> None:
    assert not any(allowed(replace(OWNER, role="king"), route.method, route.path) for route in ROUTES)


def test_a_suspended_tenant_may_nothing() -> None:
    assert not any(allowed(replace(OWNER, status="suspended"), route.method, route.path) for route in ROUTES)


def test_a_key_limited_to_routes_may_call_those_however_their_parameters_are_named() -> None:
    limited = replace(OWNER, routes=("POST /api/agents/{id}/prompt",))
    may = [(route.method, route.path) for route in ROUTES if allowed(limited, route.method, route.path, "agt-1")]
    assert may == [("POST", "/api/agents/{agent_id}/prompt")]


def test_a_key_limited_to_agents_reaches_no_other_and_nothing_of_the_whole_tenant() -> None:
    limited = replace(OWNER, agents=("agt-1",))
    assert allowed(limited, "GET", "/api/agents/{agent_id}", "agt-1")
    assert not allowed(limited, "GET", "/api/agents/{agent_id}", "agt-2")
    without_agent = [route for route in ROUTES if "{agent_id}" not in route.path and route.auth == "tenant"]
    may = {f"{route.method} {route.path}" for route in without_agent if allowed(limited, route.method, route.path)}
    assert may == {
        "GET /api/agents",
        "POST /api/skills/add",
        "GET /api/components",
        "GET /api/connectors",
        # These name their agent in the body, or list what the key may see.
        "POST /v1/chat/completions",
        "POST /v1/responses",
        "GET /v1/models",
        "GET /v1/models/{model}",
    }


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"x-api-key": " k "}, "k"),
        ({"Authorization": "Bearer b", "x-api-key": "k"}, "b"),
        ({"AUTHORIZATION": "bearer b"}, "b"),
        ({"Authorization": "Basic b", "X-Api-Key": "k"}, "k"),
        ({"Authorization": "Bearer "}, ""),
        ({}, ""),
    ],
)
def test_a_bearer_token_goes_before_an_api_key(headers: dict[str, str], key: str) -> None:
    assert presented_key(headers) == key
