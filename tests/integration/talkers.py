"""An agent to talk to, models that answer from a script, and what the ledger says of a tenant."""

from __future__ import annotations

from typing import Any

import pytest

from smyth.http.services import services
from smyth.platform.metering import Entry
from smyth.platform.times import utc_now
from tests.integration.events import Context, call
from tests.peers.scripted_models import Reply, ScriptedModels, scripted
from tests.unit.conversation.agents import answering

NOBODY = "agt-01k00000000000000000000000"


def talker(caller: Context, **fields: Any) -> str:
    """Make an agent with a skill ``greet``; return its id."""
    body = {"name": "Talker", "behavior": "Be kind.", "model": "Echo", **answering("greet", {"name": "who"}), **fields}
    answer = call("POST", "/api/agents/create", body=body, caller=caller)
    assert answer.status == 201, answer.content
    agent_id: str = answer.json()["id"]
    return agent_id


def script_models(monkeypatch: pytest.MonkeyPatch, *replies: Reply) -> ScriptedModels:
    """Let all functions of this process ask scripted models, under the name ``scripted``."""
    models = scripted(*replies)
    monkeypatch.setitem(vars(services()), "models", models)
    return models


def ledger(caller: Context) -> list[Entry]:
    """Return the tenant's entries of today."""
    return list(services().meter.store.entries(caller["tenant_id"], utc_now().date()))


def statuses(caller: Context) -> list[str]:
    """Return how the tenant's requests of today ended."""
    return [entry.status for entry in ledger(caller)]
