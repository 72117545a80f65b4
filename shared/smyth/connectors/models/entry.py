"""One model as a catalogue, a stack, a tenant or a document describes it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator, model_validator

from smyth.connectors.models.port import Limits, ModelError
from smyth.connectors.models.providers import PROVIDERS, Provider


class ModelEntry(BaseModel):
    """One model; the member names of SmythOS's own model files are read too."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=(), populate_by_name=True)

    provider: str = Field(validation_alias=AliasChoices("provider", "llm"))
    #: Its name at the provider.
    model: str = Field(min_length=1, validation_alias=AliasChoices("modelId", "model"))
    base_url: str | None = Field(default=None, validation_alias=AliasChoices("base_url", "baseURL"))
    #: Name of the vault entry that holds the key; by default the provider's name in lower case.
    credential: str | None = None
    #: The key itself; ``{{KEY(name)}}`` in it is read from the vault.
    api_key: str | None = Field(default=None, repr=False, validation_alias=AliasChoices("api_key", "apiKey"))
    context_window: int = Field(
        default=Limits().context_window,
        gt=0,
        validation_alias=AliasChoices("context_window", "tokens", "inputTokens", "contextWindow"),
    )
    max_output: int = Field(
        default=Limits().max_output,
        gt=0,
        validation_alias=AliasChoices("max_output", "completionTokens", "outputTokens", "maxOutputTokens"),
    )
    #: Which of OpenAI's interfaces is spoken.
    interface: Literal["chat.completions", "responses"] = "chat.completions"
    #: What the model can, in SmythOS's words: ``text``, ``tools``, ``image``, ``search``, ``reasoning`` and so on.
    features: tuple[str, ...] = ()
    #: Defaults under the parameters of each request, named as in components (``maxTokens``) or as here.
    params: dict[str, Any] = Field(default_factory=dict)
    #: Who answers when this model cannot: names or model objects, tried in this order.
    fallbacks: tuple[str | dict[str, Any], ...] = Field(
        default=(), validation_alias=AliasChoices("fallbacks", "fallbackLLM")
    )
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

    @model_validator(mode="before")
    @classmethod
    def _as_smythos_writes_it(cls, given: Any) -> Any:
        """Read the forms of ``credentials`` and of sizes that SmythOS knows (models.md sections 2 and 4)."""
        if not isinstance(given, dict):
            return given
        known = {name: value for name, value in given.items() if value is not None}
        credentials = known.pop("credentials", None)
        if isinstance(credentials, dict):
            if "apiKey" in credentials:
                known.setdefault("api_key", credentials["apiKey"])
        elif credentials is not None:
            sources = [credentials] if isinstance(credentials, str) else credentials
            if "vault" in sources and "credential" not in known:
                known["credential"] = str(known.get("provider") or known.get("llm") or "").lower() or None
        settings = known.get("settings")
        if isinstance(settings, dict) and (custom := settings.get("customModel") or settings.get("foundationModel")):
            known |= {"modelId": custom}  # Bedrock's own models, as the original's enterprise entries name them.
        sizes = known.pop("keyOptions", None)
        if isinstance(sizes, dict):  # The sizes that hold with one's own key, which is the only kind of key here.
            known |= {name: sizes[name] for name in ("tokens", "completionTokens") if sizes.get(name)}
        return known

    @field_validator("features", mode="before")
    @classmethod
    def _words(cls, given: Any) -> Any:
        return tuple(given.split()) if isinstance(given, str) else given

    @field_validator("fallbacks", mode="before")
    @classmethod
    def _several(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str | dict) else given

    @property
    def limits(self) -> Limits:
        """What the model takes and gives."""
        provider = PROVIDERS.get(self.provider.lower())
        return Limits(self.context_window, self.longest_answer, provider.media if provider else Limits().media)

    @property
    def longest_answer(self) -> int:
        """The most tokens to ask for; a model object's own parameter wins (PROTOCOL section 2.3)."""
        chosen = self.params.get("max_tokens", self.params.get("maxTokens"))
        return chosen if isinstance(chosen, int) and chosen > 0 else self.max_output

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
