"""One agent with two skills gives the same answer at every surface, for the same price and entry in the ledger."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from smyth.connectors.models.catalog import Catalog, read_models
from smyth.connectors.models.gateway import ModelGateway
from smyth.connectors.vault.memory import MemoryVault
from smyth.http.services import services
from smyth.platform.metering import Entry
from smyth.testing import ModelServer
from tests.integration.events import Context, call, caller_context
from tests.integration.mcp_agents import agent_of, speaking, use
from tests.integration.talkers import ledger
from tests.unit.conversation.agents import answering

pytestmark = pytest.mark.xdist_group("litellm")

#: Calls a skill at one surface; returns the skill's answer.
Surface = Callable[[Context, str, str, dict[str, Any]], Any]

#: What the surfaces of a conversation say to a model that does as it is told.
_SAID = "TOOL SAID: "


def directive(skill: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"message": f"call: {skill} {json.dumps(arguments)}"}


def by_run(caller: Context, agent_id: str, skill: str, arguments: dict[str, Any]) -> Any:
    return call("POST", f"/api/agents/{agent_id}/run/{skill}", body=arguments, caller=caller).json()


def by_mcp(caller: Context, agent_id: str, skill: str, arguments: dict[str, Any]) -> Any:
    result = use(caller, agent_id, skill, arguments)["result"]
    assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
    return result["structuredContent"]


def by_prompt(caller: Context, agent_id: str, skill: str, arguments: dict[str, Any]) -> Any:
    body = directive(skill, arguments)
    said = call("POST", f"/api/agents/{agent_id}/prompt", body=body, caller=caller).json()
    assert json.loads(said["output"].removeprefix(_SAID)) == said["tool_calls"][0]["result"]
    return said["tool_calls"][0]["result"]


def by_chat(caller: Context, agent_id: str, skill: str, arguments: dict[str, Any]) -> Any:
    body = directive(skill, arguments)
    return call("POST", f"/api/agents/{agent_id}/chat", body=body, caller=caller).json()["tool_calls"][0]["result"]


def by_stream(caller: Context, agent_id: str, skill: str, arguments: dict[str, Any]) -> Any:
    body = directive(skill, arguments)
    answer = call("POST", f"/api/agents/{agent_id}/stream", body=body, caller=caller)
    lines = answer.content.decode().splitlines()
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    return next(event["result"] for event in events if event["type"] == "tool_result")


def by_chat_completions(caller: Context, agent_id: str, skill: str, arguments: dict[str, Any]) -> Any:
    messages = [{"role": "user", "content": directive(skill, arguments)["message"]}]
    said = call("POST", "/v1/chat/completions", body={"model": agent_id, "messages": messages}, caller=caller).json()
    return json.loads(said["choices"][0]["message"]["content"].removeprefix(_SAID))


def by_responses(caller: Context, agent_id: str, skill: str, arguments: dict[str, Any]) -> Any:
    body = {"model": agent_id, "input": directive(skill, arguments)["message"]}
    said = call("POST", "/v1/responses", body=body, caller=caller).json()
    return json.loads(said["output"][0]["content"][0]["text"].removeprefix(_SAID))


SURFACES: dict[str, Surface] = {
    "POST /api/agents/{agent_id}/run/{endpoint}": by_run,
    "POST /api/agents/{agent_id}/mcp": by_mcp,
    "POST /api/agents/{agent_id}/prompt": by_prompt,
    "POST /api/agents/{agent_id}/chat": by_chat,
    "POST /api/agents/{agent_id}/stream": by_stream,
    "POST /v1/chat/completions": by_chat_completions,
    "POST /v1/responses": by_responses,
}


@pytest.fixture
def agent_id(caller: Context, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An agent whose own model is free, while the one that its skill ``ask`` asks is not."""
    with ModelServer() as server:
        model = {"provider": "OpenAI", "base_url": server.base_url, "api_key": "any"}
        models = {
            "talker": model | {"model": "talker", "input_price": 0, "output_price": 0, "cached_price": 0},
            "worker": model | {"model": "worker", "input_price": 1000, "output_price": 1000, "cached_price": 1000},
        }
        gateway = ModelGateway(Catalog(read_models(models)), MemoryVault(), allow_private=True)
        monkeypatch.setitem(vars(services()), "models", gateway)
        skills = answering("greet", {"name": "who"}), speaking("ask", model="worker", passthrough=False)
        yield agent_of(caller, *skills, model="talker")


@pytest.fixture
def caller() -> Context:
    """The owner of a tenant who pays for each request."""
    return caller_context(plan="payg")


@pytest.mark.parametrize(
    ("skill", "arguments", "answer", "asks_a_model"),
    [
        ("greet", {"who": "Ada \u2603"}, {"who": "Ada \u2603"}, False),
        ("ask", {"text": "What is two and two?"}, {"said": "worker heard: What is two and two?"}, True),
    ],
)
def test_same_answer_same_entry_same_price(
    caller: Context, agent_id: str, skill: str, arguments: dict[str, Any], answer: Any, asks_a_model: bool
) -> None:
    for route, surface in SURFACES.items():
        assert surface(caller, agent_id, skill, arguments) == answer, route
    entries = {entry.route: entry for entry in ledger(caller)}
    assert entries.keys() == SURFACES.keys()
    assert len({shape(entry) for entry in entries.values()}) == 1, entries
    one = entries["POST /api/agents/{agent_id}/mcp"]
    assert (one.status, one.fee, one.price) == ("settled", 10_000, 10_000 + one.provider_cost)
    assert (one.provider_cost > 0) == asks_a_model


def shape(entry: Entry) -> tuple[Any, ...]:
    """What must not differ between surfaces: all but what a conversation's own model used."""
    return (
        entry.tenant_id,
        entry.key_id,
        entry.agent_id,
        entry.plan,
        entry.meter,
        entry.status,
        entry.fee,
        entry.provider_cost,
        entry.price,
        tuple(sorted(entry.model_dump(exclude_none=True))),
    )
