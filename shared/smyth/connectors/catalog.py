"""Which connectors there are: each family's providers, their settings, and whether they are ready to use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, Field

from smyth.connectors.models.catalog import PROVIDERS, ModelEntry, Provider

_NO_SETTINGS: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}


class Connector(BaseModel):
    """One provider of one family."""

    family: str = Field(description="What it is for: models, embeddings, vectors, storage, vault.")
    provider: str
    description: str
    settings_schema: dict[str, Any] = Field(description="JSON Schema of the settings.")
    configured: bool = Field(description="Whether it can be used as things are.")


def connectors(environment: Mapping[str, str], *, embedding_provider: str | None) -> list[Connector]:
    """Return all connectors of this version.

    Args:
        environment: Where a stack's own provider keys are.
        embedding_provider: The provider that the stack embeds with, if it does.
    """
    return [
        *_models(environment),
        *_embeddings(embedding_provider),
        Connector(
            family="vectors",
            provider="exact",
            description="Exact cosine search over vectors kept in the stack's bucket; up to 192 MiB a namespace.",
            settings_schema=_NO_SETTINGS,
            configured=True,
        ),
        Connector(
            family="storage",
            provider="S3",
            description="Files in the stack's bucket, apart for each tenant.",
            settings_schema=_NO_SETTINGS,
            configured=True,
        ),
        Connector(
            family="vault",
            provider="Memory",
            description="Secrets given to a run by the command line or the Python face; a deployed stack has none.",
            settings_schema={
                "type": "object",
                "description": "Secrets by team and name.",
                "additionalProperties": {"type": "object", "additionalProperties": {"type": "string"}},
            },
            configured=False,
        ),
    ]


def _models(environment: Mapping[str, str]) -> Iterator[Connector]:
    yield Connector(
        family="models",
        provider="Echo",
        description="Answers with what it was asked; needs no key and costs nothing.",
        settings_schema=_NO_SETTINGS,
        configured=True,
    )
    for provider in PROVIDERS.values():
        where = "at any address that speaks OpenAI's protocol" if provider.openai_shaped else "at its own address"
        yield Connector(
            family="models",
            provider=provider.name,
            description=f"Language models {where}. The stack's key is the variable {provider.environment}.",
            settings_schema=_model_settings(provider),
            configured=bool(environment.get(provider.environment)),
        )


def _embeddings(configured: str | None) -> Iterator[Connector]:
    from smyth.connectors.embeddings.embedded import EMBEDDED
    from smyth.connectors.embeddings.gateway import EMBEDDING_PROVIDERS

    for provider in EMBEDDING_PROVIDERS.values():
        yield Connector(
            family="embeddings",
            provider=provider.name,
            description="Turns texts into vectors. A stack uses the one model that SMYTH_EMBEDDING_MODEL names.",
            settings_schema=_model_settings(provider),
            configured=provider.name == configured,
        )
    yield Connector(
        family="embeddings",
        provider=EMBEDDED,
        description="all-MiniLM-L6-v2 inside of the process, for laptops: no key, no network, no cost; 384 dimensions.",
        settings_schema=_NO_SETTINGS,
        configured=configured == EMBEDDED,
    )


def _model_settings(provider: Provider) -> dict[str, Any]:
    """Return the schema of a model object for one provider."""
    schema = ModelEntry.model_json_schema(by_alias=False)
    properties = {name: rule for name, rule in schema["properties"].items() if name != "from_document"}
    if not provider.openai_shaped:
        del properties["base_url"]
    properties["provider"] = {"const": provider.name}
    return {"type": "object", "properties": properties, "required": ["provider", "model"]}
