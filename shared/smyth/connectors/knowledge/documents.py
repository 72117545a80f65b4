"""Documents as sources of knowledge: their pieces lie beside the texts that components store, and are found with them.

A document's source id is its own id; texts that components store have longer ones, ``<team>::<namespace>::<id>``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from smyth.connectors.knowledge.knowledge import Piece
from smyth.connectors.vectors.port import Hit

if TYPE_CHECKING:
    from smyth.connectors.documents.chunks import Chunk


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something that was found comes from."""

    document_id: str
    name: str
    page: int | None = None
    section: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as answers and components tell it."""
        return asdict(self)


def pieces_of(name: str, chunks: Sequence[Chunk], vectors: Sequence[Sequence[float]]) -> list[Piece]:
    """Return a document's pieces, each with where in it it stands."""
    return [
        Piece(chunk.text, vector, {"name": name, "page": chunk.page, "section": chunk.section})
        for chunk, vector in zip(chunks, vectors, strict=True)
    ]


def origin_of(hit: Hit) -> Origin:
    """Return where a hit comes from; of a text that a component stored, the id it gave."""
    found = hit.metadata
    return Origin(
        document_id=str(found.get("source", "")).rpartition("::")[2],
        name=str(found.get("name") or ""),
        page=found.get("page"),
        section=str(found.get("section") or ""),
    )


def metadata_of(hit: Hit) -> Any:
    """Return the metadata that a component stored with a text, or of a document's piece where it stands."""
    return hit.metadata["metadata"] if "metadata" in hit.metadata else origin_of(hit).as_json()
