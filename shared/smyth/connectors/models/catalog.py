"""The catalogue of models: names as documents have them, and what to ask of whom for each.

The built-in names are the original's (models.md section 6, ``catalog.csv``); a
stack adds its own by the setting ``SMYTH_MODELS``, a document by an inline object.
Prices stand in the catalogue for models that LiteLLM's table no longer lists.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from smyth.connectors.models.echo import unknown_model
from smyth.connectors.models.entry import ModelEntry
from smyth.connectors.models.port import Limits, ModelError
from smyth.connectors.models.prices import listed
from smyth.connectors.models.providers import PROVIDERS, Provider, provider_of_family

__all__ = ["PROVIDERS", "Catalog", "ModelEntry", "Provider", "likely_provider", "read_models", "relative"]

#: SmythOS writes it before names that it serves itself; to others it means nothing (PROTOCOL oddity 21).
_MANAGED_PREFIX = "smythos/"


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
            return self._inline(model)
        entry = self._entries.get(model.removeprefix(_MANAGED_PREFIX))
        if entry is None:
            raise unknown_model(model)
        return entry

    def names(self) -> list[str]:
        """Return all names in alphabetical order."""
        return sorted(self._entries, key=str.lower)

    def _inline(self, model: dict[str, Any]) -> ModelEntry:
        """Read a model object of a document; what it leaves out, a catalogue entry of that name knows (oddity 22).

        Of a model at an address of its own the catalogue knows the sizes at the most.
        """
        entry = _read(model)
        known = self._namesake(entry)
        if known is None:
            return entry
        more: dict[str, Any] = {}
        inherited = ["context_window", "max_output"]
        if entry.base_url is None:
            inherited += ["features", "input_price", "output_price", "cached_price"]
            if not listed(entry.served_by.route, entry.model):
                more["model"] = known.model  # A name of the catalogue's own, which the provider does not know.
        more |= {name: getattr(known, name) for name in inherited if name not in entry.model_fields_set}
        return entry.model_copy(update=more)

    def _namesake(self, entry: ModelEntry) -> ModelEntry | None:
        """Return what the catalogue has of the same provider under the same name, else with the same model."""
        provider = entry.provider.lower()
        named = self._entries.get(entry.model)
        if named is not None and named.provider.lower() == provider:
            return named
        alike = (one for one in self._entries.values() if one.model == entry.model)
        return next((one for one in alike if one.provider.lower() == provider), None)


def read_models(models: Mapping[str, Any]) -> dict[str, ModelEntry]:
    """Read the setting ``SMYTH_MODELS``: entries by name.

    Raises:
        ValueError: An entry cannot be used; the text says which and why.
    """
    return {name: ModelEntry.model_validate(entry) for name, entry in models.items()}


def relative(name: str) -> dict[str, Any] | None:
    """Return a model object for a name that nobody lists: its family's provider, its closest relative's sizes.

    A relative with a small window says nothing about a newer model, so that one gets the default window
    (PROTOCOL oddity 8).
    """
    name = name.removeprefix(_MANAGED_PREFIX)
    provider = likely_provider(name)
    if provider is None:
        return None
    family = {known: entry for known, entry in _builtin().items() if entry.provider == provider}
    closest = max(family, key=lambda known: _likeness(known, name), default=None)
    entry = family[closest] if closest else ModelEntry(provider=provider, model=name)
    window = max(entry.context_window, Limits().context_window)
    return {
        "provider": provider, "model": name, "context_window": window, "max_output": entry.max_output,
        "features": list(entry.features),
    }  # fmt: skip


def likely_provider(name: str) -> str | None:
    """Guess who serves a model that is newer than the catalogue, by the way its name begins."""
    return provider_of_family(name.removeprefix(_MANAGED_PREFIX))


def _likeness(known: str, name: str) -> float:
    """Return how alike two names are: the share of three-letter pieces that they have in common."""
    ours, theirs = ({text[at : at + 3] for at in range(len(text) - 2)} for text in (known.lower(), name.lower()))
    return len(ours & theirs) / (len(ours | theirs) or 1)


@cache
def _builtin() -> dict[str, ModelEntry]:
    """Read the built-in entries."""
    with (Path(__file__).parent / "catalog.csv").open(newline="", encoding="utf-8") as rows:
        return {
            row.pop("name"): ModelEntry.model_validate({name: value for name, value in row.items() if value})
            for row in csv.DictReader(rows)
        }


def _read(model: dict[str, Any]) -> ModelEntry:
    """Read a model object.

    Raises:
        ModelError: It is not usable.
    """
    try:
        return ModelEntry.model_validate({**model, "from_document": True})
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise ModelError(
            f"The model object cannot be used ({faults}). It needs at least provider and model.", kind="invalid_request"
        ) from None
