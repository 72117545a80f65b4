"""Sources of knowledge over the vector store and the embedding model (COMPONENTS section 8)."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from smyth.connectors.knowledge.splitter import split
from smyth.connectors.vectors.memory import MemoryVectors
from smyth.connectors.vectors.port import Hit, VectorItem, VectorStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from smyth.connectors.embeddings.namespaces import OneModel
    from smyth.connectors.embeddings.port import Embedded, EmbeddingPort
    from smyth.connectors.models.port import Usage

    #: Takes what a provider charges for.
    Use = Callable[[Iterable[Usage]], None]

_NAMESPACE = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_SOURCE_ID = re.compile(r"[A-Za-z0-9._-]{1,255}")
#: How the ids of the original's teams look.
_TEAM_ID = re.compile(r"c[a-z0-9]{24}")
_SOURCE = "source"
#: The most pieces of one source, about half a megabyte of text.
MAX_CHUNKS = 1_000


class KnowledgeError(ValueError):
    """Something cannot be stored or found; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Source:
    """A text to remember."""

    id: str
    text: str
    name: str = ""
    #: Comes back with what is found.
    metadata: Any = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a source, as it is found again."""

    text: str
    vector: Sequence[float]
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Space:
    """A namespace of a team."""

    team_id: str
    #: As errors tell it.
    label: str
    #: As the vector store knows it.
    name: str


class Knowledge:
    """Remembers texts by namespace and source, and finds the pieces nearest to a question.

    A namespace begins to exist with the first source in it.
    """

    def __init__(
        self,
        vectors: VectorStore | None = None,
        embeddings: EmbeddingPort | None = None,
        *,
        one_model: OneModel | None = None,
        tenant_id: str | None = None,
    ) -> None:
        """Make a store of knowledge.

        Args:
            vectors: Where the pieces lie; by default in memory.
            embeddings: The model that turns texts into vectors.
            one_model: Holds namespaces to the embedding model; by default nothing does.
            tenant_id: Who owns everything, whatever team a document names; by default the document's team.
        """
        self._vectors = vectors or MemoryVectors()
        self._embeddings = embeddings
        self._one_model = one_model
        self._tenant_id = tenant_id

    async def remember(self, team_id: str, namespace: str, source: Source, *, use: Use) -> None:
        """Store a source in the place of the one with its id.

        Args:
            team_id: Whose knowledge it is.
            namespace: Where to store it.
            source: What to store.
            use: Is told what the embedding model used, also where the rest fails.

        Raises:
            KnowledgeError: The namespace, the id or the text cannot be used, or no model is configured.
            ModelError: The embedding model failed.
            NamespaceFull: There is no room in the namespace.
            TooManyWriters: The write did not get through.
            DimensionMismatch: The namespace was filled with another embedding model.
        """
        space, source_id = _space(team_id, namespace), _source_id(team_id, namespace, source.id)
        chunks = split(source.text)
        if not chunks:
            raise KnowledgeError("There is no text to remember. Connect the input Source to something that gives text.")
        if len(chunks) > MAX_CHUNKS:
            raise KnowledgeError(
                f"The text has {len(chunks):,} pieces; one source may have {MAX_CHUNKS:,}. Store it as several sources."
            )
        made = await self._model().embed(chunks, team_id=team_id)
        use(made.usage)
        metadata = {"name": source.name, "metadata": source.metadata}
        pieces = [Piece(chunk, vector, metadata) for chunk, vector in zip(chunks, made.vectors, strict=True)]
        await self.put(team_id, space.name, source_id, pieces)

    async def put(self, team_id: str, namespace: str, source_id: str, pieces: Sequence[Piece]) -> None:
        """Store pieces in the place of the source's; a search sees the old ones or the new ones. None: forget it.

        Raises:
            KnowledgeError: The namespace cannot be used.
            NamespaceFull: There is no room in the namespace.
            TooManyWriters: The write did not get through.
            DimensionMismatch: The namespace was filled with another embedding model.
        """
        space = _space(team_id, namespace)
        owner = self._owner(space)
        if not pieces and not await asyncio.to_thread(self._vectors.exists, owner, space.name):
            return
        items = [
            VectorItem(f"{source_id}#{number}", piece.vector, piece.text, {_SOURCE: source_id, **piece.metadata})
            for number, piece in enumerate(pieces)
            if any(piece.vector)  # One without direction is near to nothing.
        ]
        if items and self._one_model is not None:
            await asyncio.to_thread(self._one_model.check_write, owner, space.name)
        await asyncio.to_thread(self._vectors.replace, owner, space.name, {_SOURCE: source_id}, items)

    async def embed(self, team_id: str, texts: Sequence[str]) -> Embedded:
        """Return the vectors of ``texts``.

        Raises:
            KnowledgeError: No model is configured.
            ModelError: The embedding model failed.
        """
        return await self._model().embed(texts, team_id=team_id)

    async def find(self, team_id: str, namespace: str, question: str, *, top_k: int, use: Use) -> list[Hit]:
        """Return the ``top_k`` pieces nearest to ``question``, best first.

        A hit's ``metadata`` holds the source's own under ``metadata``, its label under ``name``; ``use`` is told
        what the embedding model used.

        Raises:
            KnowledgeError: There is no such namespace, or no model is configured.
            ModelError: The embedding model failed.
            DimensionMismatch: The namespace was filled with another embedding model.
        """
        space = await self._existing(team_id, namespace)
        if self._one_model is not None:
            await asyncio.to_thread(self._one_model.check_search, self._owner(space), space.name)
        made = await self._model().embed([question], team_id=team_id)
        use(made.usage)
        if not any(made.vectors[0]):
            return []
        return await asyncio.to_thread(self._vectors.search, self._owner(space), space.name, made.vectors[0], top_k)

    async def forget(self, team_id: str, namespace: str, source_id: str) -> None:
        """Delete a source; one that is not there is no error (compat README, quirk 95).

        Raises:
            KnowledgeError: There is no such namespace, or the id cannot be one.
            TooManyWriters: The write did not get through.
        """
        found = _source_id(team_id, namespace, source_id)
        space = await self._existing(team_id, namespace)
        await self.put(team_id, space.name, found, ())

    def _owner(self, space: Space) -> str:
        return self._tenant_id or space.team_id

    async def _existing(self, team_id: str, namespace: str) -> Space:
        space = _space(team_id, namespace)
        if not await asyncio.to_thread(self._vectors.exists, self._owner(space), space.name):
            raise KnowledgeError(f"Namespace {space.label} does not exist")
        return space

    def _model(self) -> EmbeddingPort:
        if self._embeddings is None:
            raise KnowledgeError(
                "No embedding model is configured, so texts cannot be compared. Set SMYTH_EMBEDDING_MODEL."
            )
        return self._embeddings


def namespace_of(team_id: str, label: str) -> str:
    """Return the namespace that a label means.

    Raises:
        KnowledgeError: It cannot be one.
    """
    return _space(team_id, label).name


def _space(team_id: str, namespace: str) -> Space:
    """Return the namespace that a document means; old documents put the team before the label."""
    first, underscore, rest = namespace.strip().partition("_")
    is_legacy = underscore and (first == team_id or _TEAM_ID.fullmatch(first))
    label = rest if is_legacy else namespace.strip()
    name = label.lower().replace(" ", "_")
    if not _NAMESPACE.fullmatch(name):
        raise KnowledgeError(
            f'"{label[:80]}" cannot be a namespace. Use up to 80 letters, digits, spaces and . _ -, '
            "beginning with a letter or digit."
        )
    return Space(team_id, label, name)


def _source_id(team_id: str, namespace: str, source_id: str) -> str:
    """Return a source's id among all."""
    if not _SOURCE_ID.fullmatch(source_id):
        raise KnowledgeError(
            f'"{source_id[:80]}" cannot be the id of a source: it has invalid characters. '
            "Use up to 255 letters, digits, hyphens, underscores and dots."
        )
    return f"{team_id}::{_space(team_id, namespace).name}::{source_id}"
