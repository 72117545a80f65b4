"""What a request costs: an entry's own prices, else those of LiteLLM's bundled table, in whole micro-USD.

The table is read as the file that it is. LiteLLM itself takes seconds to import, which a stack that asks
OpenAI or Anthropic would pay for nothing else.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smyth.connectors.models.catalog import ModelEntry
    from smyth.connectors.models.port import Usage

_TABLE = "model_prices_and_context_window_backup.json"
_MILLION = Decimal(1_000_000)
_ABOVE = re.compile(r"^input_cost_per_token_above_(\d+)k_tokens$")
#: Bedrock's names may begin with the part of the world that serves them.
_WORLD = re.compile(r"^(?:us|eu|apac|jp|au|global|us-gov)\.")


@cache
def price_table() -> dict[str, dict[str, Any]]:
    """Return LiteLLM's table by model; call it in a thread the first time."""
    package = find_spec("litellm")
    assert package is not None
    assert package.submodule_search_locations
    table: dict[str, dict[str, Any]] = json.loads(Path(package.submodule_search_locations[0], _TABLE).read_bytes())
    return table


def listed(route: str, model: str) -> dict[str, Any]:
    """Return what the table says of a model of one provider; nothing where it does not list it.

    Args:
        route: The provider's name in LiteLLM.
        model: The model's name at the provider.
    """
    table = price_table()
    for name in (f"{route}/{model}", model, _WORLD.sub("", model)):
        found = table.get(name)
        if found and str(found.get("litellm_provider", "")).startswith(route):
            return found
    return {}


@dataclass(frozen=True, slots=True)
class Rates:
    """What a model's tokens cost, in dollars each, for prompts of one length."""

    fresh: Decimal
    #: Read from the provider's cache, and written to it.
    cached: Decimal
    writing: Decimal
    output: Decimal
    thinking: Decimal


def rates(entry: ModelEntry, prompt: int) -> Rates:
    """Return the prices of a model for a prompt of so many tokens; 0 where neither the entry nor the table knows any.

    What a document says of prices counts where it brings a server of its own, or where nobody else knows any: a
    provider's own model costs the stack what the table says, whatever its user writes.
    """
    table = listed(entry.served_by.route, entry.model)
    fresh = _price(table, "input_cost_per_token", prompt) or Decimal(0)
    output = _price(table, "output_cost_per_token", prompt) or Decimal(0)
    cached = _price(table, "cache_read_input_token_cost", prompt)
    writing = _price(table, "cache_creation_input_token_cost", prompt)
    thinking = _price(table, "output_cost_per_reasoning_token", prompt)
    if not (table and entry.from_document and entry.base_url is None):
        if entry.input_price is not None:
            fresh, cached, writing = entry.input_price / _MILLION, None, None
        if entry.output_price is not None:
            output, thinking = entry.output_price / _MILLION, None
        if entry.cached_price is not None:
            cached = entry.cached_price / _MILLION
    return Rates(
        fresh,
        fresh if cached is None else cached,
        fresh if writing is None else writing,
        output,
        output if thinking is None else thinking,
    )


def search_price(entry: ModelEntry, size: str) -> Decimal:
    """Return what a search of the web costs, in dollars, by how much it reads: ``low``, ``medium`` or ``high``."""
    per_query = listed(entry.served_by.route, entry.model).get("search_context_cost_per_query") or {}
    return Decimal(str(per_query.get(f"search_context_size_{size}") or 0))


def priced(
    entry: ModelEntry,
    usage: Usage,
    *,
    written: int = 0,
    reasoning: int = 0,
    searches: int = 0,
    search_size: str = "medium",
) -> Usage:
    """Return ``usage`` with its cost; 0 for models that neither the entry nor the table prices.

    All parts are added up exactly and rounded once, half a micro-USD upwards.

    Args:
        entry: The model that answered.
        usage: What it used.
        written: How many of the input tokens were written to the provider's cache.
        reasoning: How many of the output tokens were thought.
        searches: How often the provider searched the web.
        search_size: How much it read of what it found: ``low``, ``medium`` or ``high``.
    """
    one = rates(entry, usage.input_tokens + usage.cached_tokens)
    dollars = (
        one.fresh * (usage.input_tokens - written)
        + one.writing * written
        + one.cached * usage.cached_tokens
        + one.output * (usage.output_tokens - reasoning)
        + one.thinking * reasoning
        + search_price(entry, search_size) * searches
    )
    return replace(usage, cost_micro_usd=int((dollars * _MILLION).to_integral_value(ROUND_HALF_UP)))


def _price(table: dict[str, Any], name: str, prompt: int) -> Decimal | None:
    """Return a price per token, where there is one; long prompts have their own at some providers."""
    steps = [int(found[1]) for key in table if (found := _ABOVE.match(key))]
    for step in sorted(steps, reverse=True):
        above = table.get(f"{name}_above_{step}k_tokens")
        if prompt > step * 1000 and above is not None:
            return Decimal(str(above))
    price = table.get(name)
    return None if price is None else Decimal(str(price))
