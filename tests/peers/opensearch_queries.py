"""The part of OpenSearch's query language that vector stores speak, read strictly: what it does not know is refused."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

Document = dict[str, Any]
Meets = Callable[[Document], bool]
#: The member by which a document is known, beside those of its mapping.
ID = "_id"


class Malformed(ValueError):
    """A request that OpenSearch refuses."""

    def __init__(self, message: str, kind: str = "parsing_exception") -> None:
        super().__init__(message)
        self.kind = kind


def only(said: Any, known: Collection[str], kind: str = "parsing_exception") -> None:
    """Refuse members that are not known."""
    if not isinstance(said, dict) or not set(said) <= set(known):
        raise Malformed(f"unknown members in {said}, known are {sorted(known)}", kind)


def check_mapping(body: Any) -> None:
    """Refuse settings and mappings of an index that a collection with vectors does not take."""
    only(body, {"settings", "mappings"})
    only(body["settings"], {"index"}, "illegal_argument_exception")
    only(body["settings"]["index"], {"knn", "refresh_interval"}, "illegal_argument_exception")
    if body["settings"]["index"].get("knn") is not True:
        raise Malformed("an index with vectors has index.knn", "illegal_argument_exception")
    only(body["mappings"], {"dynamic", "_meta", "properties"})
    for name, field in body["mappings"]["properties"].items():
        _check_field(name, field)


def _check_field(name: str, field: Any) -> None:
    members = {
        "knn_vector": {"type", "dimension", "method"},
        "keyword": {"type", "index", "doc_values"},
        "nested": {"type", "properties"},
        "text": {"type"},
        "long": {"type"},
        "double": {"type"},
    }
    if field.get("type") not in members:
        raise Malformed(f"no handler for the type of {name}", "mapper_parsing_exception")
    only(field, members[field["type"]], "mapper_parsing_exception")
    if field["type"] == "knn_vector":
        only(field["method"], {"name", "engine", "space_type", "parameters"}, "mapper_parsing_exception")
        chosen = [field["method"][part] for part in ("name", "engine", "space_type")]
        # Collections take Faiss only; its cosinesimil came with 2.19, which is not everywhere.
        if chosen not in (["hnsw", "faiss", "innerproduct"], ["hnsw", "faiss", "l2"]):
            raise Malformed(f"{chosen} is not supported", "mapper_parsing_exception")
        if not 1 <= field["dimension"] <= 16_000:
            raise Malformed("dimension must be between 1 and 16000", "mapper_parsing_exception")


def matcher(query: Any, properties: Document, path: str = "") -> Meets:
    """Return what tells whether a document meets a query."""
    if not isinstance(query, dict) or len(query) != 1:
        raise Malformed(f"a query has one member: {query}")
    ((kind, said),) = query.items()
    match kind:
        case "match_all" | "match_none":
            only(said, ())
            return lambda _: kind == "match_all"
        case "ids":
            only(said, {"values"})
            names = set(said["values"])
            return lambda document: document[ID] in names
        case "bool":
            return _bool(said, properties, path)
        case "nested":
            only(said, {"path", "query"})
            if properties.get(said["path"], {}).get("type") != "nested":
                raise Malformed(f"{said['path']} is not nested")
            meets = matcher(said["query"], properties[said["path"]]["properties"], f"{said['path']}.")
            return lambda document: any(meets(one) for one in document.get(said["path"], ()))
        case "term" | "terms" | "range":
            ((field, wanted),) = said.items()
            return _leaf(kind, field, wanted, properties, path)
    raise Malformed(f"unknown query [{kind}]")


def _bool(said: Any, properties: Document, path: str) -> Meets:
    only(said, {"filter", "must_not", "should", "minimum_should_match"})
    filters = [matcher(one, properties, path) for one in said.get("filter", ())]
    nots = [matcher(one, properties, path) for one in said.get("must_not", ())]
    should = [matcher(one, properties, path) for one in said.get("should", ())]
    if should and said.get("minimum_should_match") != 1:
        raise Malformed("this peer knows minimum_should_match 1")
    return lambda document: (
        all(meets(document) for meets in filters)
        and not any(meets(document) for meets in nots)
        and (not should or any(meets(document) for meets in should))
    )


def _leaf(kind: str, field: str, wanted: Any, properties: Document, path: str) -> Meets:
    name = field.removeprefix(path)
    if name not in properties or not field.startswith(path):
        raise Malformed(f"no mapping for [{field}]")
    if properties[name].get("index") is False:
        raise Malformed(f"[{field}] is not indexed")
    if kind == "range":
        bounds = {"gt": float.__gt__, "gte": float.__ge__, "lt": float.__lt__, "lte": float.__le__}
        # Whole numbers of 64 bits must not be rounded.
        whole = {"gt": int.__gt__, "gte": int.__ge__, "lt": int.__lt__, "lte": int.__le__}
        only(wanted, bounds)
        if properties[name]["type"] == "long":
            return lambda document: all(whole[one](document[name], limit) for one, limit in wanted.items())
        return lambda document: all(bounds[one](float(document[name]), float(to)) for one, to in wanted.items())
    if properties[name]["type"] == "keyword" and not all(isinstance(one, str) for one in _list(wanted)):
        raise Malformed(f"[{field}] takes texts")
    if (kind == "terms") != isinstance(wanted, list) or len(_list(wanted)) > 65_536:
        raise Malformed(f"[{kind}] of [{field}] takes another value")
    return lambda document: not set(_list(document.get(name, []))).isdisjoint(_list(wanted))


def searched_words(query: Any) -> tuple[str, Any]:
    """Return the words of a search by words, and the query that its filters are."""
    only(query, {"bool"})
    only(query["bool"], {"must", "filter"})
    (must,) = query["bool"]["must"]
    only(must, {"match"})
    only(must["match"], {"text"})
    only(must["match"]["text"], {"query"})
    return must["match"]["text"]["query"], {"bool": {"filter": query["bool"]["filter"]}}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
