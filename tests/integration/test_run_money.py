"""No request costs more than was reserved for it, at any surface."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from smyth.connectors.embeddings.gateway import EmbeddingGateway
from smyth.connectors.models.entry import ModelEntry
from smyth.connectors.vault.memory import MemoryVault
from smyth.http.services import services
from smyth.platform.money import usd
from smyth.testing import Call, ModelServer, Say
from tests.integration.budgeted import ask_priced_models, limit, standing, tenant, used
from tests.integration.events import Answer, Context, call
from tests.integration.mcp_agents import agent_of, speaking, use
from tests.integration.talkers import ledger
from tests.unit.conversation.agents import answering

pytestmark = pytest.mark.xdist_group("litellm")

Surface = Callable[[Context, str], Any]


def post(caller: Context, path: str, body: dict[str, Any], **headers: str) -> Answer:
    return call("POST", path, body=body, headers=headers, caller=caller)


SURFACES: dict[str, Surface] = {
    "run": lambda caller, agent: post(caller, f"/api/agents/{agent}/run/ask", {"text": "Hi"}),
    "mcp": lambda caller, agent: use(caller, agent, "ask", {"text": "Hi"}),
    "prompt": lambda caller, agent: post(caller, f"/api/agents/{agent}/prompt", {"message": "Hi"}),
    "chat": lambda caller, agent: post(caller, f"/api/agents/{agent}/chat", {"message": "Hi"}),
    "stream": lambda caller, agent: post(caller, f"/api/agents/{agent}/stream", {"message": "Hi"}),
    "chat completions": lambda caller, agent: post(
        caller, "/v1/chat/completions", {"model": agent, "messages": [{"role": "user", "content": "Hi"}]}
    ),
    "responses": lambda caller, agent: post(caller, "/v1/responses", {"model": agent, "input": "Hi"}),
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    with ModelServer() as server:
        ask_priced_models(monkeypatch, server)
        yield server


@pytest.fixture
def caller() -> Context:
    """The owner of a tenant who pays $0.01 for each request."""
    return tenant()


@pytest.fixture
def agent(caller: Context, server: ModelServer) -> str:
    greet, ask = answering("greet", {"name": "who"}), speaking("ask", model="worker", passthrough=False)
    return agent_of(caller, greet, ask, model="worker")


@pytest.mark.parametrize("surface", SURFACES)
def test_the_answer_is_cut_to_what_was_reserved_and_the_rest_comes_back(
    caller: Context, agent: str, server: ModelServer, surface: str
) -> None:
    limit(caller, amount="1", per_run="0.01")
    server.script.append(Say("Hello", usage=used(40)))
    SURFACES[surface](caller, agent)
    assert server.requests[0]["max_completion_tokens"] == 100
    (entry,) = ledger(caller)
    assert (entry.status, entry.reserved, entry.provider_cost, entry.price) == ("settled", 20_000, 4_000, 14_000)
    assert standing(caller) == ("0.014000", "0.000000", "0.986000")


@pytest.mark.parametrize("surface", SURFACES)
def test_a_model_is_not_asked_where_no_word_can_be_paid(
    caller: Context, agent: str, server: ModelServer, surface: str
) -> None:
    limit(caller, amount="1", per_run="0.0015")  # 15 tokens.
    answer = SURFACES[surface](caller, agent)
    told = json.dumps(answer) if isinstance(answer, dict) else answer.content.decode()
    assert 'the budget \\"tenant\\" leaves $0.001500 for models' in told.replace("\\\\", "\\")
    assert server.requests == []
    spent = "0.010000" if surface in ("run", "mcp") else "0.000000"  # A workflow goes on with what a component says.
    assert standing(caller)[:2] == (spent, "0.000000")


@pytest.mark.parametrize("surface", SURFACES)
def test_what_a_provider_reports_beyond_is_the_operators_loss(
    caller: Context, agent: str, server: ModelServer, surface: str, caplog: pytest.LogCaptureFixture
) -> None:
    limit(caller, amount="1", per_run="0.01")
    server.script.append(Say("Hello", usage=used(500)))
    with caplog.at_level(logging.ERROR):
        SURFACES[surface](caller, agent)
    (entry,) = ledger(caller)
    assert (entry.provider_cost, entry.price) == (50_000, 20_000)
    assert standing(caller) == ("0.020000", "0.000000", "0.980000")
    assert "40000 micro-USD more than was reserved" in caplog.text


@pytest.mark.parametrize("surface", SURFACES)
def test_who_has_no_budget_is_not_bounded(agent: str, caller: Context, server: ModelServer, surface: str) -> None:
    server.script.append(Say("Hello", usage=used(500)))
    SURFACES[surface](caller, agent)
    assert server.requests[0].get("max_completion_tokens") != 100
    (entry,) = ledger(caller)
    assert (entry.reserved, entry.price) == (None, 60_000)


def test_the_rounds_of_a_turn_share_one_allowance(caller: Context, agent: str, server: ModelServer) -> None:
    limit(caller, amount="1", per_run="0.01")
    greets = (Call("greet", '{"who":"Ada"}'),)
    server.script.extend((Say(calls=greets, usage=used(60)), Say("Done", usage=used(40))))
    answer = SURFACES["prompt"](caller, agent)
    assert answer.json()["output"] == "Done"
    assert [request["max_completion_tokens"] for request in server.requests] == [100, 40]
    assert answer.headers["x-usage-cost"] == "0.020000"


def test_a_turn_that_runs_dry_is_billed_for_what_it_used(caller: Context, agent: str, server: ModelServer) -> None:
    limit(caller, amount="1", per_run="0.01")
    server.script.append(Say(calls=(Call("greet", '{"who":"Ada"}'),), usage=used(90)))
    answer = SURFACES["stream"](caller, agent)
    last = json.loads(answer.content.decode().strip().splitlines()[-1].removeprefix("data: "))
    assert (last["type"], last["code"]) == ("error", "budget_exceeded")
    assert standing(caller) == ("0.019000", "0.000000", "0.981000")


@pytest.mark.parametrize("seed", range(3))
def test_callers_at_the_same_time_never_pass_the_budget(
    caller: Context, agent: str, server: ModelServer, seed: int
) -> None:
    chance = random.Random(seed)
    limit(caller, amount="0.3", per_run="0.02")
    # Some answers are longer than what was asked for.
    server.script.extend(Say("Hello", usage=used(chance.randint(0, 250))) for _ in range(40))
    with ThreadPoolExecutor(16) as callers:
        answers = list(callers.map(lambda _: SURFACES["prompt"](caller, agent), range(40)))
    assert {answer.status for answer in answers} == {200, 402}
    prices = [entry.price for entry in ledger(caller) if entry.status == "settled"]
    spent, reserved, left = standing(caller)
    assert (spent, reserved) == (usd(sum(prices)), "0.000000")
    assert sum(prices) <= 300_000
    assert left == usd(300_000 - sum(prices))


def test_branches_that_run_at_once_share_one_allowance(caller: Context, server: ModelServer) -> None:
    limit(caller, amount="1", per_run="0.01")
    one, other = speaking("ask", model="worker", passthrough=False), speaking("ask", model="worker", passthrough=False)
    branch = other["components"][1] | {"id": "LLM_too", "outputs": [{"name": "Reply", "default": True}]}
    one["components"].append(branch)
    one["components"][2]["inputs"].append({"name": "too"})
    one["connections"] += [
        {"sourceId": "EP_ask", "sourceIndex": 3, "targetId": "LLM_too", "targetIndex": 0},
        {"sourceId": "LLM_too", "sourceIndex": 0, "targetId": "OUT_ask", "targetIndex": 1},
    ]
    agent = agent_of(caller, one)
    server.script.extend((Say("One", usage=used(70)), Say("Two", usage=used(30))))
    answer = SURFACES["run"](caller, agent)
    assert sorted(answer.json().values()) == ["One", "Two"]
    assert [request["max_completion_tokens"] for request in server.requests] == [100, 30]
    assert standing(caller) == ("0.020000", "0.000000", "0.980000")


def test_the_markup_of_the_plan_counts(
    caller: Context, agent: str, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked = services().plans["payg"].model_copy(update={"model_markup_percent": 25})
    monkeypatch.setitem(services().meter._plans, "payg", marked)
    limit(caller, amount="1", per_run="0.01")
    server.script.append(Say("Hello", usage=used(80)))
    answer = SURFACES["prompt"](caller, agent)
    assert server.requests[0]["max_completion_tokens"] == 80
    assert answer.headers["x-usage-cost"] == "0.020000"
    assert answer.json()["cost"] == "0.020000"
    limit(caller, amount="1", per_run="0.001999")  # Not 16 tokens with the markup.
    refused = SURFACES["prompt"](caller, agent).json()
    assert "leaves $0.001999 for models, and even a short answer may cost $0.002000" in refused["detail"]


class TestTheHeader:
    def prompt(self, caller: Context, agent: str, most: str) -> Answer:
        return post(caller, f"/api/agents/{agent}/prompt", {"message": "Hi"}, **{"x-max-cost": most})

    def test_bounds_one_request_without_any_budget(self, caller: Context, agent: str, server: ModelServer) -> None:
        server.script.append(Say("Hello", usage=used(500)))
        answer = self.prompt(caller, agent, "0.002")
        assert server.requests[0]["max_completion_tokens"] == 20
        assert answer.headers["x-usage-cost"] == "0.012000"
        (entry,) = ledger(caller)
        assert (entry.price, entry.budgets) == (12_000, ())

    def test_does_not_widen_a_budget(self, caller: Context, agent: str, server: ModelServer) -> None:
        limit(caller, amount="1", per_run="0.01")
        self.prompt(caller, agent, "5")
        self.prompt(caller, agent, "0.002")
        assert [request["max_completion_tokens"] for request in server.requests] == [100, 20]

    def test_is_named_by_the_refusal(self, caller: Context, agent: str, server: ModelServer) -> None:
        answer = self.prompt(caller, agent, "0")
        assert (answer.status, answer.json()["type"].rpartition(":")[2]) == (402, "budget_exceeded")
        assert "the header x-max-cost leaves $0.000000" in answer.json()["detail"]
        assert [entry.status for entry in ledger(caller)] == ["released"]

    def test_lets_free_models_answer_for_nothing(self, caller: Context, server: ModelServer) -> None:
        agent = agent_of(caller, answering("greet", {"name": "who"}))
        assert self.prompt(caller, agent, "0").json()["output"] == "Hi"

    @pytest.mark.parametrize("most", ["", "free", "-1", "1e3", "0.0000001", "9" * 10, "NaN", "1,5", "\u0661"])
    def test_must_be_an_amount(self, caller: Context, agent: str, server: ModelServer, most: str) -> None:
        answer = self.prompt(caller, agent, most)
        assert (answer.status, answer.json()["errors"][0]["field"]) == (400, "x-max-cost")
        assert ledger(caller) == []
        assert server.requests == []


class TestTextsThatBecomeVectors:
    @pytest.fixture(autouse=True)
    def embedding_model(self, server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
        """A stack whose embedding model takes $0.0001 for each token."""
        entry = {"provider": "OpenAI", "model": "e", "base_url": server.base_url, "api_key": "any", "input_price": 100}
        gateway = EmbeddingGateway(ModelEntry.model_validate(entry), MemoryVault(), environment={})
        monkeypatch.setitem(vars(services()), "embeddings", gateway)

    def embed(self, caller: Context, text: str, **headers: str) -> Answer:
        return post(caller, "/v1/embeddings", {"model": "default", "input": text}, **headers)

    def search(self, caller: Context, text: str, **headers: str) -> Answer:
        return post(caller, "/api/vectordb/search", {"namespace": "none", "query": text}, **headers)

    def test_are_paid_from_the_budget(self, caller: Context, server: ModelServer) -> None:
        limit(caller, amount="1", per_run="0.01")
        for ask in (self.embed, self.search):
            assert ask(caller, "a zebra").status == 200
        spent = [entry.provider_cost for entry in ledger(caller)]
        assert min(spent) > 0
        assert standing(caller)[0] == usd(20_000 + sum(spent))

    def test_are_refused_where_they_could_cost_more(self, caller: Context, server: ModelServer) -> None:
        most = {"x-max-cost": "0.0005"}
        searched, embedded = self.search(caller, "a zebra", **most), self.embed(caller, "a zebra", **most)
        assert (searched.status, searched.json()["type"].rpartition(":")[2]) == (402, "budget_exceeded")
        # As OpenAI's API says it, whose clients do not try again then.
        assert (embedded.status, embedded.json()["error"]["code"]) == (429, "insufficient_quota")
        assert embedded.headers["x-should-retry"] == "false"
        assert "the header x-max-cost leaves $0.000500" in searched.json()["detail"]
        assert server.requests == []
        assert {entry.status for entry in ledger(caller)} == {"released"}

    def test_of_workflows_count_with_the_run(self, caller: Context, server: ModelServer) -> None:
        skill = speaking("ask")
        skill["components"][1] |= {
            "name": "DataSourceIndexer",
            "data": {"namespace": "notes", "id": "one", "name": "One"},
            "inputs": [{"name": "Source"}],
            "outputs": [{"name": "Success", "default": True}],
        }
        agent = agent_of(caller, skill)
        limit(caller, amount="1", per_run="0.01")
        answer = post(caller, f"/api/agents/{agent}/run/ask", {"text": "z" * 500})
        assert 'the budget "tenant" leaves' in json.dumps(answer.json()).replace("\\", "")
        assert server.requests == []
