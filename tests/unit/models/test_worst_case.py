"""The most that an answer can cost, known before the model is asked."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smyth.connectors.models.allowance import Allowance
from smyth.connectors.models.entry import ModelEntry
from smyth.connectors.models.litellm_calls import litellm
from smyth.connectors.models.port import ModelError, ModelRequest, Usage
from smyth.connectors.models.prices import priced
from smyth.connectors.models.worst_case import MOST_SEARCHES, held, reading_cost, text_bound, window, worst_case

# LiteLLM takes seconds to import: one worker pays for all.
pytestmark = pytest.mark.xdist_group("litellm")

SOLD = ModelEntry(provider="OpenAI", model="gpt-4o-mini")
#: $1 a token makes figures easy to read.
DEAR = ModelEntry(provider="OpenAI", model="m", input_price=Decimal(1_000_000), output_price=Decimal(1_000_000))
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 1_000_000}}
FILE = {"type": "file", "file": {"file_data": "data:application/pdf;base64,QQ=="}}


def asking(content: Any = "Hi", **members: Any) -> ModelRequest:
    return ModelRequest(model="m", messages=[{"role": "user", "content": content}], **members)


def read(entry: ModelEntry, request: ModelRequest) -> int:
    """The most tokens that are read, by a price of a dollar each."""
    return int(worst_case(entry, request).asking / 1_000_000)


def dear(provider: str, model: str = "m", **members: Any) -> ModelEntry:
    return ModelEntry(provider=provider, model=model, input_price=Decimal(1_000_000), **members)


@given(st.text(max_size=300))
def test_no_tokenizer_makes_more_tokens_of_a_text_than_it_is_held_for(text: str) -> None:
    tokens = litellm().token_counter(model="gpt-4o", messages=[{"role": "user", "content": text}])
    assert tokens <= read(DEAR, asking(text))


def test_half_a_surrogate_pair_is_counted_like_any_character() -> None:
    assert text_bound("\ud800") == 3


def test_tools_schemas_and_the_words_that_ask_for_json_count() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"description": "x" * 5_000}}}
    schema = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"description": "x" * 5_000}}}
    bare = read(DEAR, asking())
    assert read(DEAR, asking(tools=[tool])) > bare + 6_000
    assert read(DEAR, asking(response_format=schema)) > bare + 5_000
    assert read(DEAR, asking(response_format="json")) > bare + 500


@pytest.mark.parametrize(
    ("provider", "model", "tokens"),
    [
        ("OpenAI", "m", 5_000),
        ("OpenAI", "gpt-4o-mini-like", 50_000),
        ("Anthropic", "m", 5_000),
        ("GoogleAI", "m", 25_000),
        ("xAI", "m", 10_000),
    ],
)
def test_a_picture_counts_by_its_provider_not_by_its_bytes(provider: str, model: str, tokens: int) -> None:
    entry = dear(provider, model)
    assert 0 <= read(entry, asking([PICTURE])) - tokens < 300


def test_another_file_may_fill_the_models_window() -> None:
    entry = dear("OpenAI", context_window=30_000)
    assert 0 <= read(entry, asking([FILE])) - 30_000 < 300


def test_no_document_makes_a_listed_models_window_smaller_nor_its_price() -> None:
    cheap = {"provider": "OpenAI", "model": "gpt-4o-mini", "context_window": 256, "input_price": 0, "output_price": 0}
    entry = ModelEntry.model_validate({**cheap, "from_document": True})
    assert window(entry) == 128_000
    assert worst_case(entry, asking()) == worst_case(SOLD, asking())
    assert priced(entry, Usage("m", 1_000_000)).cost_micro_usd == 150_000
    own = ModelEntry.model_validate({**cheap, "from_document": True, "base_url": "https://own.example"})
    assert priced(own, Usage("m", 1_000_000)).cost_micro_usd == 0


def test_searches_are_bounded_and_paid_for() -> None:
    bare, searching = asking(), asking(web_search={"search_context_size": "high"})
    assert read(DEAR, searching) == read(DEAR, bare) * (MOST_SEARCHES + 1) + 10_000 * MOST_SEARCHES
    listed = ModelEntry(provider="OpenAI", model="gpt-4o-search-preview")
    unpaid = worst_case(listed, bare).asking * (MOST_SEARCHES + 1)
    # $0.025 for each search, and 10,000 tokens of finds at $2.50 a million.
    assert worst_case(listed, searching).asking == unpaid + 3 * (25_000 + 25_000)


@given(
    fresh=st.integers(0, 50), cached=st.integers(0, 50), written=st.integers(0, 50), output=st.integers(0, 100),
    thought=st.integers(0, 100), model=st.sampled_from([
        ("OpenAI", "gpt-4o-mini"), ("Anthropic", "claude-sonnet-4-5"), ("GoogleAI", "gemini-2.5-pro"), ("OpenAI", "o3"),
    ]),
)  # fmt: skip
def test_no_answer_within_its_bounds_costs_more(
    fresh: int, cached: int, written: int, output: int, thought: int, model: tuple[str, str]
) -> None:
    entry = ModelEntry(provider=model[0], model=model[1])
    used = Usage("m", fresh + written, output, cached)
    cost = priced(entry, used, written=written, reasoning=min(thought, output)).cost_micro_usd
    assert cost <= worst_case(entry, asking("x" * 50)).cost(output)


def test_long_prompts_are_held_at_the_price_of_long_prompts() -> None:
    entry = ModelEntry(provider="GoogleAI", model="gemini-2.5-pro")
    short, long = worst_case(entry, asking("x" * 100)), worst_case(entry, asking("x" * 300_000))
    assert long.token > short.token


async def test_the_answer_is_cut_to_what_can_be_paid() -> None:
    worst = worst_case(SOLD, asking())
    allowance = Allowance(worst.cost(100))
    hold, request = await held(allowance, SOLD, asking(max_tokens=4_000))
    assert 100 <= (request.max_tokens or 0) < 105  # A micro-dollar has room for more than one token.
    assert worst.cost(request.max_tokens or 0) <= hold.amount == allowance.limit


async def test_an_answer_that_can_be_paid_is_not_cut() -> None:
    allowance = Allowance(1_000_000)
    _, request = await held(allowance, SOLD, asking(max_tokens=4_000))
    assert request.max_tokens == 4_000
    _, request = await held(allowance, SOLD, asking())
    assert request.max_tokens == SOLD.max_output


async def test_what_is_too_little_for_a_word_is_refused() -> None:
    with pytest.raises(ModelError):
        await held(Allowance(worst_case(SOLD, asking()).cost(15) - 1), SOLD, asking(max_tokens=4_000))
    await held(Allowance(worst_case(SOLD, asking()).cost(3)), SOLD, asking(max_tokens=3))


async def test_thoughts_need_room() -> None:
    claude = ModelEntry(provider="Anthropic", model="claude-sonnet-4-5")
    money = worst_case(claude, asking()).cost(1_000)
    await held(Allowance(money), claude, asking(max_tokens=4_000))
    with pytest.raises(ModelError):
        await held(Allowance(money), claude, asking(max_tokens=4_000, reasoning=True))


async def test_a_model_without_a_price_is_asked_as_it_is() -> None:
    free = ModelEntry(provider="OpenAI", model="nobody-sells-this")
    hold, request = await held(Allowance(0), free, asking(max_tokens=7))
    assert (hold.amount, request.max_tokens) == (0, 7)
    assert (await held(Allowance(0), free, asking()))[1].max_tokens is None


def test_reading_costs_at_the_most_a_token_a_byte() -> None:
    entry = ModelEntry(provider="OpenAI", model="text-embedding-3-small")
    texts = ["Hello" * 100, "Välkommen" * 100]
    tokens = sum(litellm().token_counter(model="gpt-4o", text=text) for text in texts)
    assert priced(entry, Usage("m", tokens)).cost_micro_usd <= reading_cost(entry, texts) <= 40
