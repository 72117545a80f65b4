"""The models that conversations ask."""

from __future__ import annotations

from typing import Any

from smyth.connectors.models.catalog import relative
from smyth.connectors.models.port import Limits, ModelError, ModelPort

#: By name, or by its provider and settings.
Model = str | dict[str, Any]


def name_of(model: Model) -> str:
    """Return the model's name as the user knows it."""
    return model if isinstance(model, str) else str(model.get("model") or model.get("modelId") or "")


def known(model: Model, models: ModelPort) -> tuple[Model, Limits]:
    """Return a model with its limits; one that is newer than the catalogue by the provider of its family.

    Raises:
        ModelError: Nobody knows the model.
    """
    try:
        return model, models.limits(model)
    except ModelError as error:
        inline = relative(model) if isinstance(model, str) else None
        if inline is None or error.kind != "unknown_model":
            raise
        return inline, models.limits(inline)
