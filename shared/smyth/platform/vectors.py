"""Vector search as a product: what callers may send, and texts turned into vectors where a model is configured."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

from smyth.connectors.models.port import ModelError
from smyth.connectors.vectors.filters import parse
from smyth.connectors.vectors.port import (
    DimensionMismatch,
    Hit,
    NamespaceFull,
    NotReady,
    TooManyWriters,
    Unsupported,
    VectorItem,
    VectorStore,
)
from smyth.platform.errors import BudgetExceeded, Busy, Invalid

if TYPE_CHECKING:
    from smyth.connectors.embeddings.namespaces import OneModel
    from smyth.connectors.embeddings.port import EmbeddingPort
    from smyth.connectors.models.port import Usage

MAX_ITEMS = 1_000
MAX_DIMENSIONS = 4_096
MAX_TEXT_BYTES = 32 * 1024
MAX_METADATA_BYTES = 16 * 1024
MAX_TOP_K = 100
MAX_DELETED_IDS = 100
_NAMESPACE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def _namespace(name: str) -> str:
    """Fold the name as the original does (CONNECTORS section 9), so that "My Notes" finds "my_notes"."""
    folded = name.strip().lower().replace(" ", "_")
    if not _NAMESPACE.fullmatch(folded):
        raise ValueError(
            "A namespace has 1 to 64 letters, digits, dots, hyphens and underscores, and begins with a letter or digit."
        )
    return folded


def _short_text(text: str) -> str:
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise ValueError(f"A text may have {MAX_TEXT_BYTES} bytes. Split it into several items.")
    return text


def _with_direction(vector: list[float]) -> list[float]:
    if not any(vector):
        raise ValueError("A vector of zeros has no direction, so nothing is near to it. Send the model's vector.")
    return vector


def _small_object(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    # Refuses NaN and half surrogates too, which no JSON answer could carry.
    if len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode()) > MAX_METADATA_BYTES:
        raise ValueError(f"At most {MAX_METADATA_BYTES} bytes as JSON. Keep large content elsewhere, and its key here.")
    return value


def _known_filter(filter: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Refuse operators that do not exist, rather than find nothing with them."""
    parse(filter)
    return filter


Namespace = Annotated[str, AfterValidator(_namespace), Field(description="Letters, digits and . _ -", max_length=128)]
Text = Annotated[str, AfterValidator(_short_text), Field(min_length=1)]
Vector = Annotated[
    list[Annotated[float, Field(allow_inf_nan=False)]],
    Field(min_length=1, max_length=MAX_DIMENSIONS),
    AfterValidator(_with_direction),
]
JsonObject = Annotated[dict[str, JsonValue], AfterValidator(_small_object)]
Filter = Annotated[
    JsonObject,
    AfterValidator(_known_filter),
    Field(
        description='Metadata members that must be equal; {"$in": [..]}, {"$ne": ..}, {"$gt", "$gte", "$lt", "$lte": '
        "number} ask for more, and $and and $or take lists of filters."
    ),
]


class Item(BaseModel):
    """Something to find again: with a vector, with a text, or with both."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(min_length=1, max_length=256)
    text: Text | None = None
    vector: Vector | None = Field(default=None, description="Made from the text when missing.")
    metadata: JsonObject = {}

    @model_validator(mode="after")
    def _has_content(self) -> Self:
        if self.text is None and self.vector is None:
            raise ValueError("An item needs a vector, or a text to make one from.")
        return self


class Upsert(BaseModel):
    """Items to write; those with known ids are replaced."""

    model_config = ConfigDict(extra="forbid")

    namespace: Namespace
    items: list[Item] = Field(min_length=1, max_length=MAX_ITEMS)

    @property
    def embeds(self) -> bool:
        """Whether a model must make vectors of texts."""
        return any(item.vector is None for item in self.items)


class Search(BaseModel):
    """What to look for: by vector, or by text where an embedding model is configured."""

    model_config = ConfigDict(extra="forbid")

    namespace: Namespace
    query: Text | None = Field(default=None, description="A text; needs an embedding model.")
    vector: Vector | None = None
    top_k: int = Field(default=5, ge=1, le=MAX_TOP_K)
    filter: Filter = {}
    hybrid: bool = Field(default=False, description="Rank by the query's words, too, where the store can (OpenSearch).")

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if (self.query is None) == (self.vector is None):
            raise ValueError("Send either a vector or a query text, not both.")
        if self.hybrid and self.query is None:
            raise ValueError("A hybrid search needs words: send a query text.")
        return self


class DeleteItems(BaseModel):
    """Which items of a namespace to delete: by id, or by what their metadata says."""

    model_config = ConfigDict(extra="forbid")

    ids: list[str] = Field(default=[], max_length=MAX_DELETED_IDS)
    filter: Filter = {}

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if bool(self.ids) == bool(self.filter):
            raise ValueError("Send either ids or a filter. To delete all items, delete the namespace.")
        return self


async def upsert(
    store: VectorStore,
    embeddings: EmbeddingPort | None,
    tenant_id: str,
    request: Upsert,
    *,
    one_model: OneModel | None = None,
    use: Callable[[Sequence[Usage]], None] = lambda usage: None,
) -> int:
    """Write items, making vectors of texts that come without; return how many were written.

    Args:
        store: Where to write.
        embeddings: What makes the vectors.
        tenant_id: Whose items.
        request: The items.
        one_model: What holds namespaces to one model.
        use: Is told what the model used, also where the rest fails.

    Raises:
        BudgetExceeded: The request may not spend what embedding the texts can cost.
        Invalid: A vector does not fit, the namespace is full or another model's, or a text came without a model.
        Busy: Too many writers at once, the store starts up, or the embedding model failed.
    """
    texts = [item.text for item in request.items if item.vector is None and item.text is not None]
    if texts and one_model is not None:
        with _refusals("items"):
            one_model.check_write(tenant_id, request.namespace)
    vectors, usage = await _embed(embeddings, texts, tenant_id)
    use(usage)
    made = iter(vectors)
    items = [
        VectorItem(item.id, tuple(item.vector) if item.vector is not None else next(made), item.text, item.metadata)
        for item in request.items
    ]
    try:
        with store_at_hand():
            return store.upsert(tenant_id, request.namespace, items)
    except NamespaceFull as error:
        raise Invalid(str(error), [_fault("items", "namespace_full", str(error))]) from None
    except ValueError as error:
        raise Invalid(str(error), [_fault("items", "vector", str(error))]) from None


async def search(
    store: VectorStore,
    embeddings: EmbeddingPort | None,
    tenant_id: str,
    request: Search,
    *,
    one_model: OneModel | None = None,
) -> tuple[list[Hit], Sequence[Usage]]:
    """Return the nearest items, best first, and what embedding the query used.

    Raises:
        Invalid: The vector or its model does not fit the namespace, a text came without a model to embed it, or the
            store does not search by words.
        BudgetExceeded: The request may not spend what embedding the query can cost.
        Busy: The store starts up, or the embedding model failed.
    """
    vector: Sequence[float] | None = request.vector
    usage: Sequence[Usage] = ()
    if vector is None:
        if one_model is not None:
            with _refusals("query"):
                one_model.check_search(tenant_id, request.namespace)
        (vector,), usage = await _embed(embeddings, [request.query or ""], tenant_id)
    filter: dict[str, Any] = request.filter
    words = request.query if request.hybrid else None
    try:
        with store_at_hand():
            return store.search(tenant_id, request.namespace, vector, request.top_k, filter, text=words), usage
    except Unsupported as error:
        raise Invalid(str(error), [_fault("hybrid", "unsupported", str(error))]) from None
    except ValueError as error:
        raise Invalid(str(error), [_fault("vector", "vector", str(error))]) from None


@contextmanager
def store_at_hand() -> Iterator[None]:
    """Ask who called to come again where the store cannot do it now.

    Raises:
        Busy: Too many writers at once, or the store starts up.
    """
    try:
        yield
    except TooManyWriters as error:
        raise Busy(str(error), retry_after_s=1) from None
    except NotReady as error:
        raise Busy(str(error), retry_after_s=error.retry_after_s) from None


@contextmanager
def _refusals(field: str) -> Iterator[None]:
    """Tell who asked that the namespace is another embedding model's."""
    try:
        yield
    except DimensionMismatch as error:
        raise Invalid(str(error), [_fault(field, "embedding_model", str(error))]) from None


async def _embed(
    embeddings: EmbeddingPort | None, texts: list[str], tenant_id: str
) -> tuple[Sequence[tuple[float, ...]], Sequence[Usage]]:
    if not texts:
        return (), ()
    if embeddings is None:
        detail = (
            "No embedding model is configured, so texts cannot be turned into vectors. Send vectors, or let the "
            "operator set SMYTH_EMBEDDING_MODEL (such as OpenAI/text-embedding-3-small) for this service."
        )
        raise Invalid(detail, [_fault("query", "embedding_model", detail)])
    try:
        embedded = await embeddings.embed(texts, team_id=tenant_id)
    except ModelError as error:
        if error.kind == "invalid_request":
            raise Invalid(str(error), [_fault("query", "embedding_model", str(error))]) from None
        if error.kind == "budget":
            raise BudgetExceeded(str(error)) from None
        raise Busy(str(error)) from None
    return embedded.vectors, embedded.usage


def _fault(field: str, code: str, message: str) -> dict[str, Any]:
    return {"in": "body", "field": field, "code": code, "message": message}
