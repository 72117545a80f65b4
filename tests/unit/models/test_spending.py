"""The gateway asks for no more than a request may spend, however the answer ends."""

from __future__ import annotations

from contextlib import aclosing
from decimal import Decimal
from typing import Any

import pytest

from smyth.connectors.models.allowance import Allowance
from smyth.connectors.models.catalog import Catalog, ModelEntry
from smyth.connectors.models.gateway import ModelGateway
from smyth.connectors.models.port import ModelError, ModelRequest, Text, complete
from smyth.connectors.vault.memory import MemoryVault
from smyth.testing import Cut, Fail, Hang, ModelServer, Say

# LiteLLM takes seconds to import: one worker pays for all.
pytestmark = pytest.mark.xdist_group("litellm")

#: Micro-USD for each token of an answer.
TOKEN = 100


def gateway(server: ModelServer, allowance: Allowance, **entries: Any) -> ModelGateway:
    """Models at ``server`` that take nothing for reading: "dear", its stand-in "cheap", and what ``entries`` add."""
    shared = {"provider": "OpenAI", "model": "m", "base_url": server.base_url, "input_price": Decimal(0)}
    models = {
        "dear": shared | {"output_price": Decimal(TOKEN), "fallbacks": ["cheap"]},
        "cheap": shared | {"output_price": Decimal(1)},
        "alone": shared | {"output_price": Decimal(TOKEN)},
        **{name: shared | entry for name, entry in entries.items()},
    }
    catalog = Catalog({name: ModelEntry.model_validate(entry) for name, entry in models.items()})
    return ModelGateway(catalog, MemoryVault(), environment={}, allow_private=True, timeout_s=5).view(
        allowance=allowance
    )


def request(model: str, **members: Any) -> ModelRequest:
    return ModelRequest(model=model, messages=[{"role": "user", "content": "Hi"}], **members)


def used(tokens: int) -> dict[str, int]:
    return {"prompt_tokens": 10, "completion_tokens": tokens}


async def test_what_an_answer_cost_is_gone_and_the_rest_is_left() -> None:
    allowance = Allowance(10_000)
    with ModelServer(Say("Hello", usage=used(30))) as server:
        await complete(gateway(server, allowance), request("alone"))
    assert allowance.left == 7_000


async def test_a_refusal_costs_nothing_and_each_try_is_held_anew() -> None:
    allowance = Allowance(10_000)
    busy = Fail(429, headers={"retry-after": "0"})
    with ModelServer(busy, busy, Say("Hello", usage=used(30))) as server:
        await complete(gateway(server, allowance), request("alone"))
    assert [asked["max_completion_tokens"] for asked in server.requests] == [100, 100, 100]
    assert allowance.left == 7_000


async def test_a_cheaper_model_stands_in_where_the_first_cannot_be_paid() -> None:
    allowance = Allowance(TOKEN * 15)
    with ModelServer(Say("Hello", usage=used(30))) as server:
        reply = await complete(gateway(server, allowance), request("dear"))
    assert (reply.usage.model, reply.usage.cost_micro_usd) == ("cheap", 30)
    assert [asked["max_completion_tokens"] for asked in server.requests] == [1_500]


async def test_who_leaves_pays_for_what_was_said() -> None:
    allowance = Allowance(10_000)
    with ModelServer(Hang("Hello wonderful world")) as server:
        models = gateway(server, allowance)
        async with aclosing(models.stream(request("alone"))) as events:
            said = await anext(events)
            assert isinstance(said, Text)
        assert allowance.left == 10_000 - models.broken_off(request("alone"), said.text).cost_micro_usd < 10_000


async def test_an_answer_that_breaks_off_is_paid_and_frees_the_rest() -> None:
    allowance = Allowance(10_000)
    with ModelServer(Cut("Hello wonderful world")) as server, pytest.raises(ModelError):
        await complete(gateway(server, allowance), request("alone"))
    assert 9_000 < allowance.left < 10_000


async def test_an_estimate_takes_no_more_than_was_held() -> None:
    allowance = Allowance(TOKEN * 16)
    with ModelServer(Cut("\u65e5" * 400)) as server, pytest.raises(ModelError):
        await complete(gateway(server, allowance), request("alone"))
    assert allowance.left == 0


async def test_thoughts_are_cut_with_the_answer() -> None:
    allowance = Allowance(TOKEN * 3_000)
    claude = {"provider": "Anthropic", "model": "claude-x", "output_price": Decimal(TOKEN), "max_output": 64_000}
    with ModelServer(Say("Hello")) as server:
        models = gateway(server, allowance, claude=claude | {"base_url": server.url})
        await complete(models, request("claude", reasoning=True, thinking_tokens=30_000))
    (asked,) = server.requests
    assert asked["max_tokens"] == 3_000
    assert 1_024 <= asked["thinking"]["budget_tokens"] < 3_000


async def test_searches_are_bounded_where_money_is() -> None:
    openai = {"interface": "responses", "output_price": Decimal(TOKEN)}
    search = request("searching", web_search={"search_context_size": "low"})
    with ModelServer(Say("Hello"), Say("Hello")) as server:
        bounded = gateway(server, Allowance(1_000_000), searching=openai)
        await complete(bounded, search)
        await complete(bounded.view(), search)
    assert [asked.get("max_tool_calls") for asked in server.requests] == [3, None]


async def test_moderations_are_held_and_paid() -> None:
    allowance = Allowance(100_000)
    with ModelServer() as server:
        judge = {"provider": "OpenAI", "model": "m", "base_url": server.base_url, "input_price": TOKEN}
        with pytest.raises(ModelError) as refused:
            await gateway(server, Allowance(100)).moderate(judge, "What a day", team_id="t")
        assert refused.value.kind == "budget"
        verdict = await gateway(server, allowance).moderate(judge, "What a day", team_id="t")
    assert allowance.left == 100_000 - verdict.usage.cost_micro_usd < 100_000
