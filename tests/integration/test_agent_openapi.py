"""GET /api/agents/{agent_id}/openapi.json: a document that importers take, our own among them."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_spec_validator import validate

from functions.run_endpoint.handler import app as run_app
from smyth.connectors.http.addresses import AddressGuard
from smyth.connectors.http.client import HttpClient
from smyth.connectors.openapi.spec import base_url
from smyth.http.services import services
from tests.integration.events import Context, call, caller_context
from tests.integration.mcp_agents import agent_of
from tests.integration.talkers import NOBODY, ledger
from tests.integration.web_apps import let_in, served
from tests.unit.conversation.agents import answering


def document_of(caller: Context, agent_id: str, query: str = "") -> dict[str, Any]:
    answer = call("GET", f"/api/agents/{agent_id}/openapi.json{query}", caller=caller)
    assert answer.status == 200, answer.content
    document: dict[str, Any] = answer.json()
    validate(document)
    return document


def test_it_names_the_address_that_was_asked(caller: Context) -> None:
    document = document_of(caller, agent_of(caller))
    assert base_url(document, None) == "https://api.example.com/v1"
    assert document["info"] == {"title": "Talker", "description": "Talks.", "version": "1"}


def test_it_tells_of_the_version_that_callers_get(caller: Context) -> None:
    agent_id = agent_of(caller)
    call("POST", f"/api/agents/{agent_id}/publish", body={}, caller=caller)
    call("PATCH", f"/api/agents/{agent_id}", body={"components": [], "connections": []}, caller=caller)
    document = document_of(caller, agent_id)
    assert document["info"]["version"] == "1"
    assert len(document["paths"]) == 2


def test_a_variant_for_gpts_is_valid_too(caller: Context) -> None:
    assert document_of(caller, agent_of(caller), "?for=gpt")["openapi"] == "3.1.0"
    assert call("GET", f"/api/agents/{NOBODY}/openapi.json?for=x", caller=caller).status == 422


def test_who_may_not_see_the_agent_gets_nothing(caller: Context) -> None:
    path = f"/api/agents/{agent_of(caller)}/openapi.json"
    assert call("GET", path, caller=caller_context(caller["tenant_id"], role="viewer")).status == 200
    assert call("GET", path, caller=caller_context(caller["tenant_id"], agents=[NOBODY])).status == 403
    assert call("GET", path, caller=caller_context()).status == 404
    assert call("GET", path).status == 401


def test_another_agent_takes_the_operations_as_skills_and_calls_them(
    caller: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = document_of(caller, agent_of(caller))
    monkeypatch.setitem(vars(services()), "http", HttpClient(AddressGuard(allow_private=True)))
    with served(run_app) as url:
        described["servers"] = [{"url": url}]
        user = agent_of(caller, answering("unused"))
        added = {"agent_id": user, "openapi": {"spec": described, "headers": let_in(caller)}}
        assert call("POST", "/api/skills/add", body=added, caller=caller).status == 201
        greeted = call("POST", f"/api/agents/{user}/run/greet", body={"who": "Ada & Bob"}, caller=caller)
        summed = call("POST", f"/api/agents/{user}/run/add", body={"a": 1, "b": 2.5}, caller=caller)
    assert greeted.json() == {"response": {"who": "Ada & Bob"}}
    assert summed.json()["response"].keys() == {"a", "b"}
    paid = [entry.agent_id for entry in ledger(caller)]
    assert len(paid) == 4
    assert paid.count(user) == 2
