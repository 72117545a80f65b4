"""What a tenant's own model is made of, and what is kept of it.

Keys never stand here: a record names a vault entry. What a record says about addresses is as little trusted as
what a document says.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, model_validator

from smyth.connectors.models.entry import ModelEntry

_MOST_FALLBACKS = 5
#: Members under which people write keys.
_SECRETS = {"api_key", "apikey", "key", "secret", "token", "password", "credentials", "authorization"}

Price = Annotated[Decimal, Field(ge=0, le=1_000_000, max_digits=13, decimal_places=6)]


def _address(text: str) -> str:
    url = HttpUrl(text)
    if url.username or url.password or url.query or url.fragment:
        raise ValueError(
            "must be a plain address without user, query and fragment; keys are vault entries, named by credential"
        )
    return text


class ModelParams(BaseModel):
    """Defaults under the parameters of each request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    top_k: int | None = Field(default=None, ge=1)
    max_tokens: int | None = Field(default=None, ge=1)
    stop: list[Annotated[str, Field(min_length=1, max_length=200)]] | None = Field(default=None, max_length=4)
    seed: int | None = None
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    reasoning_effort: str | None = Field(default=None, max_length=20)
    verbosity: Literal["low", "medium", "high"] | None = None


class ModelFields(BaseModel):
    """What a model of one's own is made from."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    provider: str = Field(min_length=1, max_length=50, description='Such as "OpenAI"; errors list those there are.')
    model: str = Field(min_length=1, max_length=200, description="The provider's name for it.")
    base_url: Annotated[str, Field(max_length=500), AfterValidator(_address)] | None = Field(
        default=None, description="Where a server that speaks OpenAI's protocol is found."
    )
    credential: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9_.-]{1,100}$", description="The vault entry that holds the key."
    )
    context_window: int | None = Field(default=None, ge=256, le=100_000_000, description="In tokens.")
    max_output: int | None = Field(default=None, ge=1, le=100_000_000, description="In tokens.")
    interface: Literal["chat.completions", "responses"] | None = None
    features: list[Annotated[str, Field(pattern=r"^[a-z][a-z_-]{0,39}$")]] = Field(default=[], max_length=20)
    params: ModelParams = ModelParams()
    fallbacks: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default=[], max_length=_MOST_FALLBACKS, description="Names of models that are asked when this one fails."
    )
    input_price: Price | None = Field(default=None, description="USD per million tokens.")
    output_price: Price | None = Field(default=None, description="USD per million tokens.")
    cached_price: Price | None = Field(default=None, description="USD per million tokens read from a cache.")

    @model_validator(mode="before")
    @classmethod
    def _no_secrets(cls, given: Any) -> Any:
        parts = [given, given.get("params")] if isinstance(given, dict) else []
        for part in parts:
            if isinstance(part, dict) and any(str(name).lower().replace("-", "_") in _SECRETS for name in part):
                raise ValueError(
                    "keys do not belong into a model: store the key as an entry of the vault "
                    "and name that entry as credential"
                )
        return given


class TenantModel(ModelFields):
    """A model as it is stored."""

    name: str
    updated_at: datetime

    def entry(self) -> ModelEntry:
        """Return the model as the gateway has it; its address is not trusted."""
        told = self.model_dump(exclude={"name", "updated_at", "params"}, exclude_none=True)
        params = self.params.model_dump(exclude_none=True)
        return ModelEntry.model_validate({**told, "params": params, "from_document": True})
