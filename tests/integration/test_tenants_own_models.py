"""Agents speak through models of their tenant's own."""

from __future__ import annotations

from typing import Any

import pytest

from smyth.connectors.models.catalog import Catalog
from smyth.connectors.models.gateway import ModelGateway
from smyth.connectors.vault.memory import MemoryVault
from smyth.http.services import services
from smyth.platform.models import TenantModels
from smyth.testing import Fail, ModelServer, Say
from tests.integration.events import Answer, Context, call, caller_context
from tests.integration.talkers import ledger, talker

pytestmark = pytest.mark.xdist_group("litellm")


@pytest.fixture(autouse=True)
def _as_on_a_laptop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models may lie on this machine."""
    catalog = Catalog()
    gateway = ModelGateway(catalog, MemoryVault(), allow_private=True, retries=0)
    own = TenantModels(services().tenant_models._store, catalog, allow_private=True)
    monkeypatch.setitem(vars(services()), "models", gateway)
    monkeypatch.setitem(vars(services()), "tenant_models", own)


def put(caller: Context, name: str, server: ModelServer, **members: Any) -> None:
    body = {"provider": "OpenAI", "model": "m-1", "base_url": server.base_url, **members}
    answer = call("PUT", f"/api/models/{name}", body=body, caller=caller)
    assert answer.status == 200, answer.content


def prompt(caller: Context, agent_id: str, **members: Any) -> Answer:
    return call("POST", f"/api/agents/{agent_id}/prompt", body={"message": "Hello", **members}, caller=caller)


def test_agents_and_callers_name_it(caller: Context) -> None:
    with ModelServer(Say("By document"), Say("By prompt")) as server:
        put(caller, "house", server, params={"temperature": 0.25}, input_price="1000000", output_price="0")
        agent_id = talker(caller, model="house")
        assert prompt(caller, agent_id).json()["output"] == "By document"
        answer = prompt(caller, talker(caller), model="house").json()
        assert (answer["output"], answer["model"]) == ("By prompt", "house")
        assert [request["model"] for request in server.requests] == ["m-1", "m-1"]
        assert server.requests[0]["temperature"] == 0.25
    entry = ledger(caller)[0]
    assert entry.model == "house"
    assert entry.provider_cost == 1_000_000 * entry.input_tokens > 0


def test_other_tenants_do_not_know_it(caller: Context) -> None:
    stranger = caller_context()
    with ModelServer() as server:
        put(caller, "house", server)
        answer = prompt(stranger, talker(stranger), model="house")
        assert answer.status == 422
        assert answer.json()["type"].endswith("unknown_model")
        assert server.requests == []


def test_another_model_answers_where_it_fails(caller: Context) -> None:
    with ModelServer(Fail(500)) as broken, ModelServer(Say("Instead")) as works:
        put(caller, "spare", works)
        put(caller, "house", broken, fallbacks=["spare"])
        assert prompt(caller, talker(caller, model="house")).json()["output"] == "Instead"


def test_a_change_is_seen_at_once_where_it_was_made_and_elsewhere_in_a_minute(caller: Context) -> None:
    now = 0.0
    store = services().tenant_models._store
    elsewhere = TenantModels(store, Catalog(), allow_private=True, ticks=lambda: now)
    tenant_id = caller["tenant_id"]
    with ModelServer() as server:
        assert elsewhere.find(tenant_id, "house") is None
        put(caller, "house", server)
        assert services().tenant_models.find(tenant_id, "house") is not None
        assert elsewhere.find(tenant_id, "house") is None
        now = 61.0
        entry = elsewhere.find(tenant_id, "house")
        assert entry is not None
        assert (entry.model, entry.base_url, entry.from_document) == ("m-1", server.base_url, True)
        call("DELETE", "/api/models/house", caller=caller)
        assert services().tenant_models.find(tenant_id, "house") is None
        assert elsewhere.find(tenant_id, "house") is not None
        now = 122.0
        assert elsewhere.find(tenant_id, "house") is None
