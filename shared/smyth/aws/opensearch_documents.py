"""Documents of an index: written and deleted so that those who did it find it done.

Serverless lets nobody choose the ids of documents that have vectors, and deletes by them only. So each write makes new
documents, waits until searches see them, and the older ones of the same items are deleted then.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from smyth.aws.opensearch_client import Patience, Service, connect
from smyth.aws.opensearch_items import Query, all_of, document
from smyth.connectors.vectors.port import NotReady, VectorItem

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

#: So many documents are asked for, or named, at once.
_PAGE = 1_000
#: Serverless takes 10 MiB in a request.
_MOST_BYTES = 8 * 1024 * 1024
#: A write waits so long at least until searches see it; a request of the API may take 29 s.
_SEEN_WITHIN_S = 20.0

Found = Mapping[str, Any]
T = TypeVar("T")


class Documents:
    """What is done with the documents of indexes."""

    def __init__(
        self,
        endpoint: str,
        *,
        service: Service,
        wait_s: float,
        client: OpenSearch | None = None,
        patience: Patience | None = None,
        stamps: Callable[[], int] = time.time_ns,
    ) -> None:
        """Make them; see :class:`smyth.aws.opensearch.OpenSearchVectors`."""
        self._endpoint = endpoint
        self._service: Service = service
        self._given = client
        self._patience = patience or Patience(wait_s)
        self._seen_within_s = max(_SEEN_WITHIN_S, wait_s)
        self._stamps = stamps
        # Serverless has no such parameter, a domain would wait for its next interval.
        self._at_once: dict[str, Any] = {"refresh": "true"} if service == "es" else {}

    @cached_property
    def client(self) -> OpenSearch:
        """OpenSearch's own client."""
        return self._given or connect(self._endpoint, self._service)

    def call(self, operation: Callable[..., T], **said: Any) -> T:
        """Call the store, again while it is not ready."""
        return self._patience.call(lambda: operation(**said))

    def write(self, index: str, items: Sequence[VectorItem], vectors: Sequence[Sequence[float]]) -> int:
        """Write items with their vectors at length one, and wait until they are seen; return their stamp.

        Raises:
            NotReady: Not all of them could be written, or they are not seen yet.
        """
        # A new stamp for each attempt: what an earlier one wrote is older then, and goes.
        stamp = self._patience.call(lambda: self._written(index, items, vectors))
        for page in _pages([item.id for item in items]):
            # Or newer ones: another writer may have replaced them already.
            ours = all_of({"terms": {"item": page}}, {"range": {"stamp": {"gte": stamp}}})
            self._wait(index, ours, least=len(page))
        return stamp

    def _written(self, index: str, items: Sequence[VectorItem], vectors: Sequence[Sequence[float]]) -> int:
        stamp = self._stamps()
        self._bulk(
            {"_op_type": "index", "_index": index, "_source": document(item, vector, stamp)}
            for item, vector in zip(items, vectors, strict=True)
        )
        return stamp

    def _bulk(self, actions: Iterator[dict[str, Any]]) -> None:
        """Send actions; what is to be deleted may be gone already.

        Raises:
            TransportError: The store did not take one of them.
        """
        from opensearchpy.exceptions import TransportError
        from opensearchpy.helpers import streaming_bulk

        answers = streaming_bulk(
            self.client, actions, max_chunk_bytes=_MOST_BYTES, raise_on_error=False, **self._at_once
        )
        for fine, said in answers:
            ((kind, told),) = said.items()
            gone = told["status"] == 404
            if gone and kind == "index":
                # A new index is not at once where documents are written.
                raise TransportError(503, "index_not_found_exception", said)
            if not fine and not gone:
                raise TransportError(told["status"], str(told.get("error")), said)

    def remove_older(self, index: str, items: Sequence[VectorItem]) -> None:
        """Delete all documents of these items but the newest, whoever wrote them."""
        for page in _pages([item.id for item in items]):
            found = list(self._all(index, {"terms": {"item": page}}))
            newest = {one["sort"][1]: one["sort"][0] for one in found}  # They come by stamp.
            self._remove_found(index, [one["_id"] for one in found if one["sort"][0] < newest[one["sort"][1]]])

    def remove(self, index: str, query: Query) -> int:
        """Delete the documents that a query finds; return how many went."""
        return self._remove_found(index, [one["_id"] for one in self._all(index, query)])

    def _remove_found(self, index: str, names: Sequence[str]) -> int:
        """Delete documents by the ids that OpenSearch gave them, and wait until searches no longer see them."""
        for page in _pages(names):
            self._patience.call(lambda: self._bulk(_deletion(index, name) for name in page))  # noqa: B023 - called at once
            self._wait(index, {"ids": {"values": page}}, most=0)
        return len(names)

    def _wait(self, index: str, query: Query, *, least: int = 0, most: float = math.inf) -> None:
        """Wait until searches find so many documents.

        Raises:
            NotReady: They do not for long.
        """
        if not self._patience.until(lambda: least <= self.count(index, query) <= most, self._seen_within_s):
            raise NotReady(
                "The vector store took the write, but does not show it yet. Send it again.", retry_after_s=10
            )

    def count(self, index: str, query: Query) -> int:
        """Return how many documents a query finds; none where there is no index."""
        found = self.call(self.client.count, index=index, body={"query": query}, ignore=404)
        return int(found.get("count", 0))

    def _all(self, index: str, query: Query) -> Iterator[Found]:
        """Yield all documents that a query finds, page by page."""
        body: dict[str, Any] = {"query": query, "size": _PAGE, "sort": [{"stamp": "asc"}, {"item": "asc"}]}
        body["_source"] = False
        while True:
            page = self.hits(index, body)
            yield from page
            if len(page) < _PAGE:
                return
            body["search_after"] = page[-1]["sort"]

    def hits(self, index: str, body: dict[str, Any]) -> list[Found]:
        """Return what a search finds; nothing where there is no index."""
        found = self.call(self.client.search, index=index, body=body, ignore=404)
        hits: list[Found] = found.get("hits", {}).get("hits", [])
        return hits


def _deletion(index: str, name: str) -> dict[str, Any]:
    return {"_op_type": "delete", "_index": index, "_id": name}


def _pages(names: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), _PAGE):
        yield list(names[start : start + _PAGE])
