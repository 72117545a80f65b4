"""Tenants with budgets, and models whose prices make figures easy to read."""

from __future__ import annotations

from typing import Any

import pytest

from smyth.connectors.models.catalog import Catalog, read_models
from smyth.connectors.models.gateway import ModelGateway
from smyth.connectors.vault.memory import MemoryVault
from smyth.http.services import services
from smyth.testing import ModelServer
from tests.integration.events import OPERATOR, Context, call, caller_context


def tenant(plan: str = "payg", **context: Any) -> Context:
    """Make a tenant and return its owner, as the authorizer sees an owner whose tenant has budgets."""
    made = call("POST", "/api/tenants", body={"name": "Budgeted", "plan": plan}, caller=OPERATOR)
    assert made.status == 201, made.content
    return caller_context(made.json()["id"], plan=plan, **context) | {"budgeted": "1"}


def limit(caller: Context, scope: str = "tenant", **fields: Any) -> dict[str, Any]:
    """Set a budget and return it."""
    answer = call("PUT", f"/api/budgets/{scope}", body={"amount": "5", "period": "total", **fields}, caller=caller)
    assert answer.status == 200, answer.content
    return dict(answer.json())


def standing(caller: Context, scope: str = "tenant") -> tuple[str, str, str]:
    """Return what of a budget is spent, reserved and left."""
    items = call("GET", "/api/budgets", caller=caller).json()["items"]
    one = next(item for item in items if item["scope"] == scope)
    return one["spent"], one["reserved"], one["left"]


def ask_priced_models(monkeypatch: pytest.MonkeyPatch, server: ModelServer) -> None:
    """Let all functions ask ``server``: "worker" takes $0.0001 for each token of an answer, and nothing for reading."""
    model = {"provider": "OpenAI", "base_url": server.base_url, "api_key": "any", "model": "m"}
    models = {"worker": model | {"input_price": 0, "output_price": 100, "cached_price": 0}}
    gateway = ModelGateway(Catalog(read_models(models)), MemoryVault(), allow_private=True, retries=0)
    monkeypatch.setitem(vars(services()), "models", gateway)


def used(tokens: int) -> dict[str, int]:
    """What a provider reports of an answer so long."""
    return {"prompt_tokens": 10, "completion_tokens": tokens, "total_tokens": 10 + tokens}
