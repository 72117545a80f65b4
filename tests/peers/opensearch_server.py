"""A vector collection of OpenSearch, as far as a vector store needs it: it checks each request and compares exactly.

As ``aoss`` it refuses what Serverless refuses: ids chosen by clients, refreshing, deleting by query. Documents are
numbered in the order they came, and searches see of them what was there ``lag`` counts or searches ago.
"""

from __future__ import annotations

import hashlib
import json
import threading
from fnmatch import fnmatchcase
from itertools import count
from typing import Any

import numpy as np

from tests.peers.http_service import Asked, HttpService, Reply
from tests.peers.opensearch_queries import ID, Malformed, check_mapping, matcher, only, searched_words

Documents = dict[str, dict[str, Any]]


class OpenSearchServer(HttpService):
    """Indexes with a ``knn_vector``; ``asleep`` answers so many requests 503, ``throttled`` refuses so many writes."""

    def __init__(self, service: str, *, lag: int = 0) -> None:
        super().__init__()
        self._service = service
        self._lag = lag
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.asked.clear()
        self._names = count()
        self._mappings: dict[str, dict[str, Any]] = {}
        self._documents: dict[str, Documents] = {}
        #: What searches see, and what they will see after so many more of them.
        self._seen: dict[str, Documents] = {}
        self._due: dict[str, int] = {}
        self.asleep = 0
        self.throttled = 0

    def show_all(self) -> None:
        """Let searches see everything from now on."""
        self._lag = 0
        self._due.clear()

    def answer(self, asked: Asked) -> Reply:
        """Return what a collection says."""
        with self._lock:
            if self.asleep:
                self.asleep -= 1
                return Reply({"message": "the collection is resuming"}, 503)
            try:
                self._check_signature(asked)
                return self._routed(asked)
            except Malformed as error:
                return _error(400, error.kind, str(error))

    def _routed(self, asked: Asked) -> Reply:
        index, _, action = asked.path.strip("/").partition("/")
        if (asked.method, index) == ("POST", "_bulk"):
            return self._bulk(asked)
        if (asked.method, action) == ("PUT", ""):
            return self._create(index, asked)
        if (asked.method, action) == ("GET", "_mapping"):
            return self._show(index)
        if index not in self._mappings:
            return _error(404, "index_not_found_exception", f"no such index [{index}]")
        if (asked.method, action) == ("DELETE", ""):
            del self._mappings[index], self._documents[index], self._seen[index]
            return Reply({"acknowledged": True})
        if (asked.method, action) == ("POST", "_count"):
            only(asked.json, {"query"})
            return Reply({"count": len(self._met(index, asked.json["query"]))})
        if (asked.method, action) == ("POST", "_search"):
            return self._search(index, asked.json)
        return _error(404, "not_supported", f"{asked.method} {asked.path} is not supported")

    def _check_signature(self, asked: Asked) -> None:
        said = asked.headers.get("authorization", "")
        if not said.startswith("AWS4-HMAC-SHA256 ") or f"/{self._service}/aws4_request" not in said:
            raise Malformed("the request is not signed for this service", "security_exception")
        if asked.headers.get("x-amz-content-sha256") != hashlib.sha256(asked.body).hexdigest():
            raise Malformed("the body is not what was signed", "security_exception")

    def _create(self, index: str, asked: Asked) -> Reply:
        if index in self._mappings:
            return _error(400, "resource_already_exists_exception", f"index [{index}] already exists")
        if index != index.lower() or len(index) > 255:
            raise Malformed(f"[{index}] is no name of an index", "invalid_index_name_exception")
        check_mapping(asked.json)
        self._mappings[index] = asked.json["mappings"]
        self._documents[index], self._seen[index] = {}, {}
        return Reply({"acknowledged": True, "index": index})

    def _show(self, pattern: str) -> Reply:
        found = {name: {"mappings": one} for name, one in self._mappings.items() if fnmatchcase(name, pattern)}
        if not found and "*" not in pattern:
            return _error(404, "index_not_found_exception", f"no such index [{pattern}]")
        return Reply(found)

    def _bulk(self, asked: Asked) -> Reply:
        refreshes = dict(asked.query)
        if refreshes and (self._service == "aoss" or refreshes != {"refresh": "true"}):
            raise Malformed(f"unknown parameters {sorted(refreshes)}")
        if not asked.body.endswith(b"\n"):
            raise Malformed("a bulk request ends with a newline")
        lines = iter(asked.body.decode().splitlines())
        said = [self._done(json.loads(line), lines) for line in lines]
        failed = any(next(iter(one.values()))["status"] >= 400 for one in said)
        return Reply({"took": 1, "errors": failed, "items": said})

    def _done(self, action: dict[str, Any], lines: Any) -> dict[str, Any]:
        ((kind, told),) = action.items()
        only(told, {"_index", "_id"} if kind == "delete" or self._service == "es" else {"_index"})
        source = json.loads(next(lines)) if kind == "index" else None
        index = told["_index"]
        if self.throttled:
            self.throttled -= 1
            return {kind: {"_index": index, "status": 429, "error": {"type": "rejected_execution_exception"}}}
        if index not in self._mappings:
            return {kind: {"_index": index, "status": 404, "error": {"type": "index_not_found_exception"}}}
        self._due[index] = self._lag
        if kind == "delete":
            gone = self._documents[index].pop(told["_id"], None)
            return {kind: {"_id": told["_id"], "status": 200 if gone else 404}}
        if kind != "index":
            raise Malformed(f"unknown action {kind}")
        properties = self._mappings[index]["properties"]
        only(source, set(properties), "strict_dynamic_mapping_exception")
        if len(source["vector"]) != properties["vector"]["dimension"]:
            raise Malformed("the vector has another dimension", "mapper_parsing_exception")
        name = f"doc-{next(self._names):06}"
        self._documents[index][name] = source
        return {kind: {"_id": name, "status": 201}}

    def _visible(self, index: str) -> Documents:
        if self._due.get(index, 0) > 0:
            self._due[index] -= 1
        else:
            self._seen[index] = dict(self._documents[index])
        return self._seen[index]

    def _met(self, index: str, query: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        meets = matcher(query, self._mappings[index]["properties"])
        return [(name, source) for name, source in self._visible(index).items() if meets({**source, ID: name})]

    def _search(self, index: str, body: dict[str, Any]) -> Reply:
        only(body, {"query", "size", "sort", "search_after", "_source"})
        if not 0 <= body["size"] <= 10_000:
            raise Malformed("size is too large")
        if "knn" in body["query"]:
            hits = self._nearest(index, body["query"])
        elif "sort" in body:
            hits = self._sorted(index, body)
        else:
            hits = self._worded(index, body["query"])
        shown = [self._shown(hit, body.get("_source", True)) for hit in hits[: body["size"]]]
        return Reply({"took": 1, "timed_out": False, "hits": {"total": {"value": len(hits)}, "hits": shown}})

    def _nearest(self, index: str, query: dict[str, Any]) -> list[dict[str, Any]]:
        only(query, {"knn"})
        only(query["knn"], {"vector"})
        near = query["knn"]["vector"]
        only(near, {"vector", "k", "filter"})
        if not 1 <= near["k"] <= 10_000:
            raise Malformed("[k] must be between 1 and 10000")
        if len(near["vector"]) != self._mappings[index]["properties"]["vector"]["dimension"]:
            raise Malformed("the query vector has another dimension")
        asked = np.array(near["vector"], dtype=np.float32)
        found = self._met(index, near.get("filter", {"match_all": {}}))
        hits = [
            {"_id": name, "_source": source, "_score": _score(asked, np.array(source["vector"], dtype=np.float32))}
            for name, source in found
        ]
        return sorted(hits, key=_by_score)[: near["k"]]

    def _worded(self, index: str, query: dict[str, Any]) -> list[dict[str, Any]]:
        words, rest = searched_words(query)
        found = self._met(index, rest)
        hits = [{"_id": name, "_source": one, "_score": _common(words, one.get("text", ""))} for name, one in found]
        return sorted((hit for hit in hits if hit["_score"] > 0), key=_by_score)

    def _sorted(self, index: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        names = [name for one in body["sort"] for name, order in one.items() if order == "asc"]
        after = body.get("search_after")
        hits = [
            {"_id": name, "_source": source, "_score": None, "sort": [source[by] for by in names]}
            for name, source in self._met(index, body["query"])
        ]
        return sorted((hit for hit in hits if after is None or hit["sort"] > after), key=lambda hit: hit["sort"])

    @staticmethod
    def _shown(hit: dict[str, Any], wanted: Any) -> dict[str, Any]:
        if wanted is False:
            return {name: value for name, value in hit.items() if name != "_source"}
        return {**hit, "_source": {name: value for name, value in hit["_source"].items() if name in wanted}}


def _score(one: Any, other: Any) -> float:
    """What Faiss's inner product space scores."""
    product = float(one @ other)
    return product + 1 if product >= 0 else 1 / (1 - product)


def _common(words: str, text: str) -> float:
    """How many of the words stand in the text, longer texts counting less: an order as BM25's."""
    found = text.lower().split()
    return sum(found.count(word) for word in words.lower().split()) / (len(found) + 1)


def _by_score(hit: dict[str, Any]) -> tuple[float, str]:
    return -hit["_score"], hit["_id"]


def _error(status: int, kind: str, reason: str) -> Reply:
    cause = {"type": kind, "reason": reason}
    return Reply({"error": {"root_cause": [cause], **cause}, "status": status}, status)
