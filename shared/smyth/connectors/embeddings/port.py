"""The embedding port: texts in, vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from smyth.connectors.models.port import Usage

if TYPE_CHECKING:
    from smyth.connectors.models.allowance import Allowance


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


class EmbeddingModel(EmbeddingPort, Protocol):
    """The embedding model that a stack is configured for."""

    @property
    def names(self) -> tuple[str, str]:
        """What the model is called: alone, and with its provider."""
        ...

    def view(self, allowance: Allowance | None) -> Self:
        """Return a light copy for one request, whose answers together cost no more than ``allowance``."""
        ...

    async def embed(self, texts: Sequence[str], *, team_id: str, dimensions: int | None = None) -> Embedded:
        """See :meth:`EmbeddingPort.embed`; models that can, give vectors of as many ``dimensions``."""
        ...
