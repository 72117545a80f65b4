"""Vectors of texts that were embedded before: a document that changed on one page costs that page."""

from __future__ import annotations

import asyncio
import hashlib
import struct
from array import array
from collections.abc import Iterator, Sequence
from copy import copy
from typing import TYPE_CHECKING, Protocol

from smyth.connectors.embeddings.port import Embedded, EmbeddingModel
from smyth.connectors.models.port import Usage

if TYPE_CHECKING:
    from smyth.connectors.models.allowance import Allowance

#: Texts are kept in groups, for a write to a bucket costs the same for one vector and for many.
_LARGEST_GROUP = 64
_USUAL_GROUP = 24
#: Texts of one request to the model; what it gave is kept before the next one.
_REQUEST = 96
_HEADER = struct.Struct("<II")

_Vectors = tuple[tuple[float, ...], ...]


class KeptGroups(Protocol):
    """Where a tenant's groups of vectors are kept; it may forget any of them at any time."""

    def get(self, name: str) -> bytes | None:
        """Return a group, or None where it is not kept."""
        ...

    def put(self, name: str, content: bytes) -> None:
        """Keep a group."""
        ...


class CachedEmbeddings:
    """Asks a model only for what is not kept.

    A group ends where the hash of a text says so. A text that changed, came or went therefore changes its own group,
    and the others are found as they were. One text alone is mostly a question: keeping it would cost more than
    asking again, so it is not kept.
    """

    def __init__(self, model: EmbeddingModel, kept: KeptGroups) -> None:
        self._model = model
        self._kept = kept

    def view(self, allowance: Allowance | None) -> CachedEmbeddings:
        """Return a light copy for one request, whose answers together cost no more than ``allowance``."""
        copied = copy(self)
        copied._model = self._model.view(allowance)
        return copied

    @property
    def names(self) -> tuple[str, str]:
        """What the model is called: alone, and with its provider."""
        return self._model.names

    async def embed(self, texts: Sequence[str], *, team_id: str, dimensions: int | None = None) -> Embedded:
        """See :meth:`smyth.connectors.embeddings.port.EmbeddingModel.embed`; kept vectors use nothing up."""
        if len(texts) < 2:
            return await self._model.embed(texts, team_id=team_id, dimensions=dimensions)
        groups = list(_groups(texts))
        names = [_name(self.names[1], dimensions, group) for group in groups]
        kept = await asyncio.gather(*(asyncio.to_thread(self._kept.get, name) for name in names))
        found = {
            name: vectors
            for name, group, content in zip(names, groups, kept, strict=True)
            if content is not None and (vectors := _unpacked(content, len(group))) is not None
        }
        missing = {name: group for name, group in zip(names, groups, strict=True) if name not in found}
        usage: list[Usage] = []
        for request in _requests(missing):
            made = await self._model.embed(
                [text for group in request.values() for text in group], team_id=team_id, dimensions=dimensions
            )
            usage += made.usage
            fresh = iter(made.vectors)
            for name, group in request.items():
                content = _packed([next(fresh) for _ in group])
                await asyncio.to_thread(self._kept.put, name, content)
                # As it will be read the next time: a text has one vector, kept or not.
                found[name] = _unpacked(content, len(group)) or ()
        return Embedded(tuple(vector for name in names for vector in found[name]), tuple(usage))


def _groups(texts: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Part texts where one of them says so by its hash, and at the latest when a group is full."""
    group: list[str] = []
    for text in texts:
        group.append(text)
        first = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[0]
        if len(group) == _LARGEST_GROUP or first < 256 // _USUAL_GROUP:
            yield tuple(group)
            group = []
    if group:
        yield tuple(group)


def _name(model: str, dimensions: int | None, group: Sequence[str]) -> str:
    """Return the hash of all that the vectors depend on; lengths keep neighbours apart."""
    hashed = hashlib.sha256(f"{model}\n{dimensions or ''}\n".encode())
    for text in group:
        said = text.encode("utf-8", "surrogatepass")
        hashed.update(len(said).to_bytes(8, "big") + said)
    return hashed.hexdigest()


def _requests(groups: dict[str, tuple[str, ...]]) -> Iterator[dict[str, tuple[str, ...]]]:
    request: dict[str, tuple[str, ...]] = {}
    for name, group in groups.items():
        if request and sum(map(len, request.values())) + len(group) > _REQUEST:
            yield request
            request = {}
        request[name] = group
    if request:
        yield request


def _packed(vectors: Sequence[Sequence[float]]) -> bytes:
    numbers = array("f", (number for vector in vectors for number in vector))
    return _HEADER.pack(len(vectors), len(vectors[0])) + numbers.tobytes()


def _unpacked(content: bytes, count: int) -> _Vectors | None:
    """Return the vectors of a group, or None where it is none of ``count`` texts."""
    if len(content) < _HEADER.size:
        return None
    vectors, dimensions = _HEADER.unpack_from(content)
    if vectors != count or len(content) != _HEADER.size + 4 * vectors * dimensions:
        return None
    numbers = array("f", content[_HEADER.size :])
    return tuple(tuple(numbers[start : start + dimensions]) for start in range(0, len(numbers), dimensions))
