"""The most that an answer can cost, known before the model is asked.

Text: no tokenizer makes more tokens than the text has bytes. Pictures: what their provider counts for the largest.
Other files: as much as the model reads at all. Answers: as long as was asked for, thoughts included.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from typing import Any

from smyth.connectors.models.allowance import Allowance, Hold
from smyth.connectors.models.entry import ModelEntry
from smyth.connectors.models.json_answers import asking_in_words
from smyth.connectors.models.port import ModelRequest
from smyth.connectors.models.prices import listed, rates, search_price

#: How often a provider may search the web for one answer, and what it reads of the finds each time.
MOST_SEARCHES = 3
_SEARCH_TOKENS = 10_000
#: Anthropic tells Claude how to use tools in some 500 tokens, other providers in fewer.
_TOOLS_OVERHEAD = 1_000
_REQUEST_OVERHEAD = 100
_MESSAGE_OVERHEAD = 16
#: Tokens of the largest picture: OpenAI scales it to 8 tiles, Anthropic to 2,576 pixels, Google tiles it as it is.
_PICTURE_TOKENS = {"Anthropic": 5_000, "Bedrock": 5_000, "OpenAI": 5_000, "GoogleAI": 25_000, "VertexAI": 25_000}
_PICTURE_TOKENS_ELSEWHERE = 10_000
#: OpenAI counts 5,667 tokens a tile for this one, to charge what its larger sister does.
_DEAR_PICTURES, _DEAR_PICTURE_TOKENS = "4o-mini", 50_000
#: An answer that is shorter says nothing; and thoughts alone must have 1,024 tokens at Anthropic.
_SHORTEST_ANSWER = 16
_SHORTEST_WITH_THOUGHTS = 2_048
_MICRO = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class WorstCase:
    """What a request costs at the most, in micro-USD that may be fractions."""

    #: All that is sent, searches included.
    asking: Decimal
    #: Each token of the answer.
    token: Decimal

    def cost(self, tokens: int) -> int:
        """Return the most that an answer of so many tokens costs."""
        return int((self.asking + self.token * tokens).to_integral_value(ROUND_CEILING))

    def tokens(self, money: int) -> int:
        """Return how long an answer may be that costs ``money`` at the most."""
        return int((money - self.asking) // self.token)


async def held(allowance: Allowance, entry: ModelEntry, request: ModelRequest) -> tuple[Hold, ModelRequest]:
    """Set aside what ``request`` costs at the most; return it with the request, cut to what can be paid.

    Raises:
        ModelError: Not even a short answer can be paid.
    """
    if request.web_search is not None:
        request = replace(request, max_searches=MOST_SEARCHES)
    worst = worst_case(entry, request)
    longest = request.max_tokens or entry.longest_answer
    shortest = min(longest, _SHORTEST_WITH_THOUGHTS if request.reasoning else _SHORTEST_ANSWER)
    hold = await allowance.hold(worst.cost(longest), worst.cost(shortest))
    if worst.token:
        request = replace(request, max_tokens=min(longest, worst.tokens(hold.amount)))
    return hold, request


def worst_case(entry: ModelEntry, request: ModelRequest) -> WorstCase:
    """Return what ``request`` costs at the most; the price table must be loaded."""
    sent = asking_in_words(request, entry.served_by)
    tokens = _REQUEST_OVERHEAD + sum(_message(entry, message) for message in sent.messages)
    tokens += text_bound(request.response_format) if isinstance(request.response_format, dict) else 0
    if request.tools:
        tokens += _TOOLS_OVERHEAD + text_bound(request.tools)
    searches = MOST_SEARCHES if request.web_search is not None else 0
    # All is read again after each search.
    tokens = tokens * (searches + 1) + _SEARCH_TOKENS * searches
    if request.live_search:
        tokens = max(tokens, window(entry))
    # Long prompts may have their own prices.
    prices = [rates(entry, prompt) for prompt in (0, tokens)]
    reading = max(max(one.fresh, one.cached, one.writing) for one in prices)
    saying = max(max(one.output, one.thinking) for one in prices)
    size = (request.web_search or {}).get("search_context_size", "medium")
    searching = search_price(entry, size) * searches
    return WorstCase((reading * tokens + searching) * _MICRO, saying * _MICRO)


def reading_cost(entry: ModelEntry, texts: Sequence[str]) -> int:
    """Return the most that reading ``texts`` costs, in micro-USD, where nothing is answered in words."""
    tokens = sum(text_bound(text) + _MESSAGE_OVERHEAD for text in texts)
    return WorstCase(rates(entry, tokens).fresh * tokens * _MICRO, Decimal(0)).cost(0)


def text_bound(value: Any) -> int:
    """Return the most tokens that a text, or a value as JSON, can be."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return len(text.encode("utf-8", "surrogatepass"))


def window(entry: ModelEntry) -> int:
    """Return the most tokens that a model reads; of models that the table lists, no document says otherwise."""
    table = listed(entry.served_by.route, entry.model)
    return int(table.get("max_input_tokens") or table.get("max_tokens") or entry.context_window)


def _message(entry: ModelEntry, message: dict[str, Any]) -> int:
    content = message.get("content")
    if not isinstance(content, list):
        return _MESSAGE_OVERHEAD + text_bound(message)
    around = {name: value for name, value in message.items() if name != "content"}
    return _MESSAGE_OVERHEAD + text_bound(around) + sum(_part(entry, part) for part in content)


def _part(entry: ModelEntry, part: Any) -> int:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text":
        return text_bound(part)
    return _picture(entry) if kind == "image_url" else window(entry)


def _picture(entry: ModelEntry) -> int:
    if _DEAR_PICTURES in entry.model:
        return _DEAR_PICTURE_TOKENS
    return _PICTURE_TOKENS.get(entry.served_by.name, _PICTURE_TOKENS_ELSEWHERE)
