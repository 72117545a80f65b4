"""The embedding port on real providers, through LiteLLM."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from smyth.connectors.embeddings.port import Embedded
from smyth.connectors.models import litellm_calls
from smyth.connectors.models.allowance import Allowance
from smyth.connectors.models.catalog import PROVIDERS, ModelEntry
from smyth.connectors.models.failures import Attempt, model_error
from smyth.connectors.models.port import ModelError, Usage
from smyth.connectors.models.prices import priced
from smyth.connectors.models.worst_case import reading_cost
from smyth.connectors.vault.port import Vault

#: Providers of the catalogue that have embedding models.
EMBEDDING_PROVIDERS = {name: PROVIDERS[name] for name in ("openai", "togetherai", "googleai")}
#: What every provider takes in one request.
_BATCH = 100
_TIMEOUT_S = 20.0


def read_embedding_model(text: str) -> ModelEntry | None:
    """Read a provider's model in ``SMYTH_EMBEDDING_MODEL``: ``provider/model``, a model entry as JSON, or nothing.

    Raises:
        ValueError: It is neither; the text says what it must be.
    """
    text = text.strip()
    if not text:
        return None
    if text.startswith("{"):
        entry = ModelEntry.model_validate_json(text)
    else:
        provider, _, model = text.partition("/")
        entry = ModelEntry.model_validate({"provider": provider, "model": model})
    if entry.provider.lower() not in EMBEDDING_PROVIDERS:
        known = ", ".join(provider.name for provider in EMBEDDING_PROVIDERS.values())
        raise ValueError(
            f'SMYTH_EMBEDDING_MODEL names the provider "{entry.provider}". Write <provider>/<model>, such as '
            f"OpenAI/text-embedding-3-small, with one of {known}; or embedded, on a laptop."
        )
    return entry


class EmbeddingGateway:
    """Embeds with the one model that the stack is configured for, so that all vectors of a namespace fit."""

    def __init__(self, entry: ModelEntry, vault: Vault, *, environment: Mapping[str, str] | None = None) -> None:
        """Make a gateway.

        Args:
            entry: The model.
            vault: Where keys are looked up first.
            environment: Where the stack's own keys are; by default the process's environment.
        """
        self._entry = entry
        self._vault = vault
        self._environment = os.environ if environment is None else environment
        self._allowance: Allowance | None = None

    def view(self, allowance: Allowance | None) -> EmbeddingGateway:
        """Return a light copy for one request, whose answers together cost no more than ``allowance``."""
        copied = copy(self)
        copied._allowance = allowance
        return copied

    @property
    def names(self) -> tuple[str, str]:
        """What the model is called: alone, and with its provider."""
        return self._entry.model, f"{self._entry.served_by.name}/{self._entry.model}"

    async def embed(self, texts: Sequence[str], *, team_id: str, dimensions: int | None = None) -> Embedded:
        """See :meth:`smyth.connectors.embeddings.port.EmbeddingPort.embed`; ``dimensions`` is over the model's own."""
        dimensions = dimensions or self._entry.dimensions
        attempt = await self._attempt(team_id)
        await asyncio.to_thread(litellm_calls.litellm)
        vectors: list[tuple[float, ...]] = []
        usage: list[Usage] = []
        for start in range(0, len(texts), _BATCH):
            answer, used = await self._paid(list(texts[start : start + _BATCH]), attempt, dimensions)
            vectors += [tuple(one["embedding"]) for one in sorted(answer.data, key=lambda one: one["index"])]
            usage.append(used)
        if len(vectors) != len(texts):
            raise ModelError(f"{attempt.provider} returned {len(vectors)} vectors for {len(texts)} texts. Try again.")
        return Embedded(tuple(vectors), tuple(usage))

    async def _paid(self, texts: list[str], attempt: Attempt, dimensions: int | None) -> tuple[Any, Usage]:
        """Send one batch, for no more than the request may still spend; return the answer and what it used.

        Raises:
            ModelError: The provider refused or failed, or too little is left.
        """
        hold = await self._allowance.hold(reading_cost(self._entry, texts)) if self._allowance else None
        cost = 0
        try:
            answer = await self._ask(texts, attempt, dimensions)
            tokens = answer.usage.prompt_tokens if answer.usage else 0
            used = priced(self._entry, Usage(self._entry.model, input_tokens=tokens))
            cost = used.cost_micro_usd
            return answer, used
        finally:
            if hold is not None:
                hold.end(cost)

    async def _ask(self, texts: list[str], attempt: Attempt, dimensions: int | None) -> Any:
        """Send one batch.

        Raises:
            ModelError: The provider refused or failed.
        """
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await litellm_calls.litellm().aembedding(
                    model=f"{self._entry.served_by.route}/{self._entry.model}",
                    input=texts,
                    api_key=attempt.key,
                    api_base=self._entry.base_url,
                    # OpenAI's client asks for base64 by itself, which not every server knows.
                    encoding_format="float",
                    # LiteLLM takes dimensions from few models by itself, and leaves them out for others.
                    **({"dimensions": dimensions, "allowed_openai_params": ["dimensions"]} if dimensions else {}),
                )
        except Exception as error:
            raise model_error(error, attempt) from None

    async def _attempt(self, team_id: str) -> Attempt:
        """Return whom to ask with which key.

        Raises:
            ModelError: There is no key.
        """
        entry, provider = self._entry, self._entry.served_by
        name = entry.credential or provider.name.lower()
        if entry.api_key is not None:
            return Attempt(provider.name, entry.model, entry.api_key, "the setting SMYTH_EMBEDDING_MODEL")
        secret = await self._vault.get(team_id, name)
        if secret and (entry.base_url is None or entry.credential is not None):
            return Attempt(provider.name, entry.model, secret, f'the vault entry "{name}"')
        if entry.base_url is not None:
            return Attempt(provider.name, entry.model, "none", "")
        if self._environment.get(provider.environment):
            source = f"the environment variable {provider.environment}"
            return Attempt(provider.name, entry.model, self._environment[provider.environment], source)
        raise ModelError(f'There is no key for {provider.name}. Set the vault entry "{name}".', kind="credentials")
