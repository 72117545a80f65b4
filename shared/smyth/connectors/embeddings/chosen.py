"""The embedding model that the setting ``SMYTH_EMBEDDING_MODEL`` chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smyth.connectors.embeddings.embedded import EMBEDDED, EmbeddedModel
from smyth.connectors.embeddings.gateway import EmbeddingGateway, read_embedding_model

if TYPE_CHECKING:
    from smyth.connectors.embeddings.port import EmbeddingModel
    from smyth.connectors.vault.port import Vault


def chosen_model(setting: str, vault: Vault) -> EmbeddingModel | None:
    """Return the model, or None where the setting is blank.

    Args:
        setting: ``embedded``, ``provider/model``, or a model entry as JSON.
        vault: Where keys are looked up first.

    Raises:
        ValueError: The setting is none of these; the text says what it must be.
    """
    if setting.strip().lower() == EMBEDDED:
        return EmbeddedModel()
    entry = read_embedding_model(setting)
    return EmbeddingGateway(entry, vault) if entry else None


def chosen_provider(setting: str) -> str | None:
    """Return who embeds, by the name in the catalogue of connectors; None where the setting is blank.

    Raises:
        ValueError: The setting is not one of those that :func:`chosen_model` takes.
    """
    if setting.strip().lower() == EMBEDDED:
        return EMBEDDED
    entry = read_embedding_model(setting)
    return entry.served_by.name if entry else None
