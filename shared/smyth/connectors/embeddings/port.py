"""The embedding port: texts in, vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from smyth.connectors.models.port import Usage


@dataclass(frozen=True, slots=True)
class Embedded:
    """One vector per text, in the order of the texts, and what the provider charged for."""

    vectors: tuple[tuple[float, ...], ...]
    usage: tuple[Usage, ...] = ()


class EmbeddingPort(Protocol):
    """Anything that turns texts into vectors."""

    async def embed(self, texts: Sequence[str], *, team_id: str) -> Embedded:
        """Return the vectors of ``texts``; the key is looked up in the vault of ``team_id``.

        Raises:
            ModelError: The provider refused or failed.
        """
        ...
