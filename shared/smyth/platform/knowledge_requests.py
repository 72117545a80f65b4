"""What callers may send to add documents and to search them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from smyth.platform.file_names import display_name, media_type
from smyth.platform.knowledge import MAX_DOCUMENT_BYTES
from smyth.platform.knowledge_records import Place, read_place
from smyth.platform.vectors import MAX_TOP_K, Namespace, Search, Text

MAX_TEXT = 2_000_000

Name = Annotated[str, AfterValidator(display_name), Field(description="What the document is called, with its ending.")]
DocumentId = Annotated[str, Field(pattern=r"^doc-[0-9a-f]{26}$")]


class NewDocument(BaseModel):
    """A document: its text, an uploaded file's key, or the size of what the caller will upload."""

    model_config = ConfigDict(extra="forbid")

    namespace: Namespace
    name: Name | None = Field(default=None, description="Of an uploaded file its own name, where none is given.")
    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)] | None = None
    file_key: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    size: Annotated[int, Field(gt=0, le=MAX_DOCUMENT_BYTES, description="Bytes.")] | None = None
    content_type: Annotated[str, AfterValidator(media_type)] | None = None

    @model_validator(mode="after")
    def _comes_from_one_place(self) -> Self:
        if sum(given is not None for given in (self.text, self.file_key, self.size)) != 1:
            raise ValueError("Send either text, or file_key, or size (with the upload to follow).")
        if self.name is None and self.file_key is None:
            raise ValueError("The document needs a name, such as handbook.pdf.")
        return self


class KnowledgeSearch(BaseModel):
    """What to look for in documents and in texts that agents stored."""

    model_config = ConfigDict(extra="forbid")

    namespace: Namespace
    query: Text
    top_k: int = Field(default=5, ge=1, le=MAX_TOP_K)
    document_id: DocumentId | None = Field(default=None, description="Only in this document.")
    hybrid: bool = Field(default=False, description="Rank by the query's words, too, where the store can (OpenSearch).")

    def search(self) -> Search:
        """Return it as a search of vectors."""
        filter = {"source": self.document_id} if self.document_id else {}
        return Search(namespace=self.namespace, query=self.query, top_k=self.top_k, filter=filter, hybrid=self.hybrid)


def place_of(tenant_id: str, namespace: str, name: str) -> Place:
    """Return where a document of this name lies.

    Raises:
        ValueError: Nothing can lie there.
    """
    place = read_place(tenant_id, f"{namespace}/{name}")
    if place is None:
        raise ValueError(f'"{name[:80]}" cannot be the name of a document in "{namespace}". Shorten it.')
    return place
