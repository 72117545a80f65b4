"""Ask a moderation model what a text is about."""

from __future__ import annotations

import asyncio
from typing import Any

from smyth.connectors.models.ask import Asking, address_of, check_address
from smyth.connectors.models.clients import client_on
from smyth.connectors.models.entry import ModelEntry
from smyth.connectors.models.failures import Attempt, model_error
from smyth.connectors.models.port import ModelError, Usage, Verdict
from smyth.connectors.models.prices import priced
from smyth.connectors.models.tokens import text_tokens

#: Whoever talks waits for the verdict.
_TIMEOUT_S = 15.0
#: Long texts are judged piece by piece, so that a harmless bulk hides nothing; pieces overlap so that no cut does.
_PIECE, _OVERLAP = 8_000, 200


async def moderate(entry: ModelEntry, text: str, team_id: str, asking: Asking) -> Verdict:
    """Return what a model says of ``text``.

    LiteLLM would only hand this to the same client, with connections of its own.

    Raises:
        ModelError: The model cannot be asked, or refused or failed.
    """
    if entry.served_by.dialect != "openai":
        raise ModelError(
            "Moderation models are asked by OpenAI's protocol only. "
            'Use the provider "OpenAI", with a base_url for another server that speaks it.',
            kind="invalid_request",
        )
    await check_address(entry, allow_private=asking.allow_private)
    key = await asking.keys.key_for(entry, team_id)
    openai = await asyncio.to_thread(_import_openai)
    guarded = entry.from_document and entry.base_url is not None and not asking.allow_private
    pieces = [text[begin : begin + _PIECE + _OVERLAP] for begin in range(0, len(text), _PIECE)]
    async with asking.connections.borrow(guarded=guarded) as transport:
        client = openai.AsyncOpenAI(
            api_key=key.value, base_url=address_of(entry, asking), max_retries=1, http_client=client_on(transport)
        )
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                answer = await client.moderations.create(input=pieces, model=entry.model)
            scores, flagged = _read(answer.model_dump(by_alias=True)["results"], len(pieces))
        except Exception as error:
            raise model_error(error, Attempt(entry.served_by.name, entry.model, key.value, key.source)) from None
    return Verdict(scores, flagged, priced(entry, Usage(entry.model, sum(map(text_tokens, pieces)))))


def _read(results: list[dict[str, Any]], pieces: int) -> tuple[dict[str, float], set[str]]:
    """Return the highest score of each category, and what the model holds against any piece."""
    if len(results) != pieces:
        raise ValueError("It judged only a part of the text.")
    scores: dict[str, float] = {}
    flagged: set[str] = set()
    for result in results:
        for category, score in result["category_scores"].items():
            scores[category] = max(scores.get(category, 0.0), score or 0.0)
        flagged |= {category for category, flag in result["categories"].items() if flag}
    return scores, flagged


def _import_openai() -> Any:
    import openai

    return openai
