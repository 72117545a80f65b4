"""The catalogue of models: names as documents have them, and what to ask of whom for each.

The built-in names are the original's (models.md section 6, ``catalog.csv``); a
stack adds its own by the setting ``SMYTH_MODELS``, a document by an inline object.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from smyth.connectors.models.echo import unknown_model
from smyth.connectors.models.port import Limits, ModelError

#: SmythOS writes it before names that it serves itself; to others it means nothing (PROTOCOL oddity 21).
_MANAGED_PREFIX = "smythos/"


@dataclass(frozen=True, slots=True)
class Provider:
    """A company or program that serves models."""

    #: As documents spell it.
    name: str
    #: LiteLLM's name for it.
    route: str
    #: Environment variable that holds the stack's own key.
    environment: str
    #: Speaks OpenAI's protocol at any address.
    openai_shaped: bool = False
    #: How the MIME types of the files begin that its models read (COMPONENTS section 2).
    media: tuple[str, ...] = Limits().media

    @property
    def address_environment(self) -> str:
        """The environment variable that holds another address for it, named as its own client names it."""
        return self.environment.replace("_API_KEY", "_BASE_URL")


PROVIDERS: dict[str, Provider] = {
    provider.name.lower(): provider
    for provider in (
        Provider("OpenAI", "openai", "OPENAI_API_KEY", openai_shaped=True, media=(*Limits().media, "application/pdf")),
        Provider("DeepSeek", "deepseek", "DEEPSEEK_API_KEY", openai_shaped=True),
        Provider("TogetherAI", "together_ai", "TOGETHER_AI_API_KEY", openai_shaped=True),
        Provider("xAI", "xai", "XAI_API_KEY", openai_shaped=True),
        Provider("Perplexity", "perplexity", "PERPLEXITY_API_KEY", openai_shaped=True),
        Provider("Groq", "groq", "GROQ_API_KEY", openai_shaped=True),
        Provider("Anthropic", "anthropic", "ANTHROPIC_API_KEY"),
        Provider(
            "GoogleAI",
            "gemini",
            "GOOGLE_AI_API_KEY",
            media=("image/", "audio/", "video/", "text/", "application/pdf", "application/json"),
        ),
    )
}


class ModelEntry(BaseModel):
    """One model; the member names of SmythOS's own model files are read too."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=(), populate_by_name=True)

    provider: str
    model: str = Field(min_length=1, validation_alias=AliasChoices("model", "modelId"))
    base_url: str | None = Field(default=None, validation_alias=AliasChoices("base_url", "baseURL"))
    #: Name of the vault entry that holds the key; by default the provider's name in lower case.
    credential: str | None = None
    #: The key itself; ``{{KEY(name)}}`` in it is read from the vault.
    api_key: str | None = Field(default=None, repr=False, validation_alias=AliasChoices("api_key", "apiKey"))
    context_window: int = Field(
        default=Limits().context_window, gt=0, validation_alias=AliasChoices("context_window", "tokens", "inputTokens")
    )
    max_output: int = Field(
        default=Limits().max_output,
        gt=0,
        validation_alias=AliasChoices("max_output", "completionTokens", "outputTokens"),
    )
    #: Which of OpenAI's interfaces is spoken.
    interface: Literal["chat.completions", "responses"] = "chat.completions"
    #: What the model can, in SmythOS's words: ``text``, ``tools``, ``image``, ``search``, ``reasoning`` and so on.
    features: tuple[str, ...] = ()
    #: Defaults under the parameters of each request.
    params: dict[str, Any] = Field(default_factory=dict)
    #: Who answers when this model cannot: names or model objects, tried in this order.
    fallbacks: tuple[str | dict[str, Any], ...] = ()
    #: USD per million tokens, over LiteLLM's price table.
    input_price: Decimal | None = Field(default=None, ge=0)
    output_price: Decimal | None = Field(default=None, ge=0)
    cached_price: Decimal | None = Field(default=None, ge=0)
    #: What one provider needs beyond these: region, project, names of vault entries.
    settings: dict[str, Any] = Field(default_factory=dict)
    #: Of embedding models that can shorten their vectors: how long they shall be.
    dimensions: int | None = Field(default=None, gt=0)
    #: Written by a document's author: its address is not trusted.
    from_document: bool = False

    @property
    def limits(self) -> Limits:
        """What the model takes and gives."""
        provider = PROVIDERS.get(self.provider.lower())
        return Limits(self.context_window, self.max_output, provider.media if provider else Limits().media)

    @property
    def served_by(self) -> Provider:
        """The provider.

        Raises:
            ModelError: Nobody has this name.
        """
        provider = PROVIDERS.get(self.provider.lower())
        if provider is None:
            known = ", ".join(known.name for known in PROVIDERS.values())
            raise ModelError(
                f'The model provider "{self.provider}" is not supported. Use one of {known}; '
                'for any other server that speaks OpenAI\'s protocol use "OpenAI" with a base_url.',
                kind="unknown_model",
            )
        return provider


class Catalog:
    """Models by name; ``extra`` adds to the built-in ones and wins over them."""

    def __init__(self, extra: dict[str, ModelEntry] | None = None) -> None:
        self._entries = {**_builtin(), **(extra or {})}

    def find(self, model: str | dict[str, Any]) -> ModelEntry:
        """Return the entry for a name or an inline object.

        Raises:
            ModelError: No entry has the name, or the object is not usable.
        """
        if isinstance(model, dict):
            return _inline(model)
        entry = self._entries.get(model.removeprefix(_MANAGED_PREFIX))
        if entry is None:
            raise unknown_model(model)
        return entry

    def names(self) -> list[str]:
        """Return all names in alphabetical order."""
        return sorted(self._entries, key=str.lower)


def read_models(models: Mapping[str, Any]) -> dict[str, ModelEntry]:
    """Read the setting ``SMYTH_MODELS``: entries by name.

    Raises:
        ValueError: An entry cannot be used; the text says which and why.
    """
    return {name: ModelEntry.model_validate(entry) for name, entry in models.items()}


def likely_provider(name: str) -> str | None:
    """Guess who serves a model that is newer than the catalogue, by the way its name begins."""
    name = name.removeprefix(_MANAGED_PREFIX).lower()
    for beginning, provider in _FAMILIES.items():
        if name.startswith(beginning):
            return provider
    return None


_FAMILIES = {
    "gpt-": "OpenAI",
    "chatgpt-": "OpenAI",
    "o1": "OpenAI",
    "o3": "OpenAI",
    "o4": "OpenAI",
    "claude-": "Anthropic",
    "gemini-": "GoogleAI",
    "grok-": "xAI",
    "deepseek-": "DeepSeek",
    "sonar": "Perplexity",
}


@cache
def _builtin() -> dict[str, ModelEntry]:
    """Read the built-in entries."""
    with (Path(__file__).parent / "catalog.csv").open(newline="", encoding="utf-8") as rows:
        return {row.pop("name"): ModelEntry.model_validate(row) for row in csv.DictReader(rows)}


def _inline(model: dict[str, Any]) -> ModelEntry:
    """Read a model object of a document."""
    credentials = model.get("credentials")
    if isinstance(credentials, dict) and "apiKey" in credentials:
        model = {**model, "api_key": credentials["apiKey"]}
    try:
        return ModelEntry.model_validate({**model, "from_document": True})
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise ModelError(
            f"The model object cannot be used ({faults}). It needs at least provider and model.", kind="invalid_request"
        ) from None
