"""Ask a moderation model what a text is about, through LiteLLM."""

from __future__ import annotations

import asyncio
from typing import Any

from smyth.connectors.models import litellm_calls
from smyth.connectors.models.port import Usage, Verdict
from smyth.connectors.models.tokens import text_tokens

#: Whoever talks waits for the verdict.
_TIMEOUT_S = 15.0
#: Long texts are judged piece by piece, so that a harmless bulk hides nothing; pieces overlap so that no cut does.
_PIECE, _OVERLAP = 8_000, 200


async def verdict(text: str, *, model: str, key: str, client: Any) -> Verdict:
    """Return what ``model`` says of ``text``; raises what LiteLLM raises.

    Args:
        text: What was said.
        model: The provider's name for the model.
        key: The provider's key.
        client: An OpenAI client that knows the address.
    """
    pieces = [text[begin : begin + _PIECE + _OVERLAP] for begin in range(0, len(text), _PIECE)]
    async with asyncio.timeout(_TIMEOUT_S):
        answer = await litellm_calls.litellm().amoderation(
            input=pieces, model=model, api_key=key, custom_llm_provider="openai", client=client
        )
    results = answer.model_dump()["results"]
    if len(results) < len(pieces):
        raise ValueError("it judged only a part of the text")
    scores: dict[str, float] = {}
    for result in results:
        for category, score in result["category_scores"].items():
            scores[category] = max(scores.get(category, 0.0), score or 0.0)
    flagged = {category for result in results for category, flag in result["categories"].items() if flag}
    return Verdict(scores, flagged, Usage(model, input_tokens=sum(map(text_tokens, pieces))))
