"""Prices: an entry's own, else LiteLLM's table, in whole micro-USD."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smyth.connectors.models.catalog import Catalog, ModelEntry
from smyth.connectors.models.litellm_calls import litellm
from smyth.connectors.models.port import Usage
from smyth.connectors.models.prices import priced

# LiteLLM takes seconds to import: one worker pays for all.
pytestmark = pytest.mark.xdist_group("litellm")

tokens = st.integers(min_value=0, max_value=500_000)


def cost(entry: ModelEntry, fresh: int = 0, output: int = 0, cached: int = 0, **more: Any) -> int:
    return priced(entry, Usage("m", fresh, output, cached), **more).cost_micro_usd


@pytest.mark.parametrize(
    ("provider", "model", "route"),
    [
        ("OpenAI", "gpt-4o-mini", "openai"),
        ("OpenAI", "o3", "openai"),
        ("Anthropic", "claude-opus-4-6", "anthropic"),
        ("GoogleAI", "gemini-2.5-pro", "gemini"),
        ("VertexAI", "gemini-2.5-pro", "vertex_ai"),
        ("DeepSeek", "deepseek-chat", "deepseek"),
    ],
)
@given(fresh=tokens, output=tokens, cached=tokens)
def test_agrees_with_litellm(provider: str, model: str, route: str, fresh: int, output: int, cached: int) -> None:
    theirs = litellm().cost_per_token(
        model=f"{route}/{model}", prompt_tokens=fresh + cached, completion_tokens=output, cache_read_input_tokens=cached
    )
    ours = cost(ModelEntry(provider=provider, model=model), fresh, output, cached)
    assert abs(ours - sum(Decimal(str(part)) for part in theirs) * 1_000_000) <= 1


def test_an_entrys_prices_win() -> None:
    entry = ModelEntry(provider="OpenAI", model="gpt-4o", input_price=Decimal(10), cached_price=Decimal(1))
    assert cost(entry, 100, 0, 100) == 1100
    assert cost(entry, 0, 100) == 1000  # The table's $10 per million.


def test_cached_tokens_cost_what_fresh_ones_do_where_no_price_says_less() -> None:
    assert cost(ModelEntry(provider="OpenAI", model="m", input_price=Decimal(10)), 100, 0, 100) == 2000


def test_half_a_micro_dollar_is_rounded_up_once() -> None:
    entry = ModelEntry(provider="OpenAI", model="m", input_price=Decimal("0.5"), output_price=Decimal("0.25"))
    assert cost(entry, 1) == 1
    assert cost(entry, 1, 1) == 1
    assert cost(entry, 0, 1) == 0


def test_writing_to_the_cache_and_searching_have_their_prices() -> None:
    entry = ModelEntry(provider="Anthropic", model="claude-opus-4-6")
    assert cost(entry, 1000, written=1000) == 6250
    assert cost(entry, 1000) == 5000
    assert cost(ModelEntry(provider="OpenAI", model="gpt-4.1"), searches=2) == 50_000


def test_a_model_that_nobody_prices_costs_nothing() -> None:
    assert cost(ModelEntry(provider="OpenAI", model="no-such-model"), 1000, 1000) == 0


def test_one_providers_prices_are_not_anothers() -> None:
    assert cost(ModelEntry(provider="Groq", model="gpt-4o"), 1000, 1000) == 0


@pytest.mark.parametrize("name", ["gpt-4o", "claude-4-sonnet", "claude-3.5-haiku", "gemini-2.5-flash", "llama-3.3-70b"])
def test_the_catalogue_prices_what_the_table_no_longer_lists(name: str) -> None:
    assert cost(Catalog().find(name), 1_000_000, 1_000_000) > 0
