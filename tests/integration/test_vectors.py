"""POST /api/vectordb/upsert and /search through their handlers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from smyth.aws.vectors import BucketVectors
from smyth.connectors.vectors.port import VectorItem
from smyth.http.services import services
from smyth.http.settings import settings
from smyth.platform.times import utc_now
from smyth.platform.vectors import MAX_DIMENSIONS, MAX_ITEMS, MAX_TEXT_BYTES
from smyth.testing import Fail, ModelServer
from smyth.testing.embeddings import embedding
from tests.integration.events import OPERATOR, Answer, Context, call, caller_context, new_tenant_id
from tests.peers.opensearch_server import OpenSearchServer


def upsert(caller: Context, *items: dict[str, Any], namespace: Any = "notes") -> Answer:
    return call("POST", "/api/vectordb/upsert", body={"namespace": namespace, "items": list(items)}, caller=caller)


def search(caller: Context, **body: Any) -> Answer:
    return call("POST", "/api/vectordb/search", body={"namespace": "notes", **body}, caller=caller)


FRUIT = (
    {"id": "apple", "vector": [1, 0, 0], "text": "An apple", "metadata": {"kind": "pome", "n": 1}},
    {"id": "cherry", "vector": [1, 1, 0], "metadata": {"kind": "stone"}},
    {"id": "carrot", "vector": [0, 0, 1]},
)


def test_what_was_written_is_found_best_first(caller: Context) -> None:
    written = upsert(caller, *FRUIT)
    assert (written.status, written.json()) == (200, {"upserted": 3})
    found = search(caller, vector=[1, 0, 0], top_k=2)
    assert found.status == 200
    assert found.json() == {
        "hits": [
            {"id": "apple", "score": 1.0, "text": "An apple", "metadata": {"kind": "pome", "n": 1}},
            {"id": "cherry", "score": pytest.approx(0.707107, abs=1e-5), "text": None, "metadata": {"kind": "stone"}},
        ]
    }


def test_a_search_is_billed_and_an_upsert_is_not() -> None:
    caller = caller_context(plan="basic", limits={"requests_per_month": 1})
    upsert(caller, *FRUIT)
    first, second = search(caller, vector=[1, 0, 0]), search(caller, vector=[1, 0, 0])
    assert (first.status, first.headers["x-usage-requests-remaining"]) == (200, "0")
    assert first.headers["x-usage-cost"] == "0.000000"
    assert second.status == 429
    assert upsert(caller, *FRUIT).status == 200


def test_a_filter_keeps_what_is_equal_or_in_the_list(caller: Context) -> None:
    upsert(caller, *FRUIT)
    for filter, expected in (
        ({"kind": "stone"}, ["cherry"]),
        ({"kind": {"$in": ["stone", "pome"]}}, ["apple", "cherry"]),
        ({"kind": "pome", "n": 2}, []),
        ({"n": {"$gte": 1}}, ["apple"]),
        ({"$or": [{"kind": {"$ne": "pome"}}, {"n": 1}]}, ["apple", "cherry"]),
    ):
        hits = search(caller, vector=[1, 0, 0], filter=filter).json()["hits"]
        assert [hit["id"] for hit in hits] == expected


def test_another_tenant_finds_nothing(caller: Context) -> None:
    upsert(caller, *FRUIT)
    assert search(caller_context(), vector=[1, 0, 0]).json() == {"hits": []}


def test_a_namespace_is_the_same_however_it_is_cased(caller: Context) -> None:
    upsert(caller, *FRUIT, namespace=" My Notes ")
    assert len(search(caller, namespace="my_notes", vector=[1, 0, 0]).json()["hits"]) == 3


@pytest.mark.parametrize(
    "namespace",
    ["", " ", ".", "..", "../other", "a/b", "a\\b", "%2e%2e", "a\u0000b", "ä", "x" * 65, "-a", "a\nb", None, 5, ["a"]],
)
def test_a_namespace_that_is_no_plain_name_is_refused(caller: Context, namespace: Any) -> None:
    for answer in (upsert(caller, FRUIT[0], namespace=namespace), search(caller, namespace=namespace, vector=[1])):
        assert answer.status == 422
        assert answer.json()["errors"][0]["field"] == "namespace"
    assert services().bucket.keys(f"t/{caller['tenant_id']}/") == []


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"id": "1"},
        {"id": "", "vector": [1]},
        {"id": "x" * 257, "vector": [1]},
        {"id": 7, "vector": [1]},
        {"id": "1", "vector": []},
        {"id": "1", "vector": [0, 0, 0]},
        {"id": "1", "vector": ["a"]},
        {"id": "1", "vector": "1,2"},
        {"id": "1", "vector": [[1]]},
        {"id": "1", "vector": [1] * (MAX_DIMENSIONS + 1)},
        {"id": "1", "vector": [1], "text": "x" * (MAX_TEXT_BYTES + 1)},
        {"id": "1", "vector": [1], "text": "ü" * (MAX_TEXT_BYTES // 2 + 1)},
        {"id": "1", "vector": [1], "metadata": []},
        {"id": "1", "vector": [1], "metadata": {"big": "x" * 20_000}},
        {"id": "1", "vector": [1], "values": [1]},
        {"id": "\ud800", "vector": [1]},
        {"id": "1", "vector": [1], "metadata": {"half": "\ud800"}},
        {"id": "1", "vector": [1], "metadata": {"\ud800": 1}},
        "apple",
    ],
)
def test_a_bad_item_is_refused_and_nothing_of_the_call_written(caller: Context, item: Any) -> None:
    answer = upsert(caller, {"id": "good", "vector": [1]}, item)
    assert answer.status == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"].startswith("items.1")
    assert services().bucket.keys(f"t/{caller['tenant_id']}/") == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_no_number_is_refused_wherever_it_stands(caller: Context, number: str) -> None:
    bodies = [
        '{"namespace": "notes", "items": [{"id": "1", "vector": [%s]}]}',
        '{"namespace": "notes", "items": [{"id": "1", "vector": [1], "metadata": {"a": {"b": [%s]}}}]}',
    ]
    headers = {"Content-Type": "application/json"}
    for body in bodies:
        answer = call("POST", "/api/vectordb/upsert", body=body % number, headers=headers, caller=caller)
        assert answer.status == 422
        assert json.loads(answer.content, parse_constant=pytest.fail)["status"] == 422
    body = f'{{"namespace": "notes", "vector": [1], "filter": {{"a": {number}}}}}'
    assert call("POST", "/api/vectordb/search", body=body, headers=headers, caller=caller).status == 422


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": "a", "vector": [1]},
        {"vector": [1], "top_k": 0},
        {"vector": [1], "top_k": 101},
        {"vector": [1], "top_k": "many"},
        {"vector": [1], "filter": "kind"},
        {"vector": [1], "filter": {"kind": {"$near": "a"}}},
        {"vector": [1], "filter": {"$or": []}},
        {"vector": [1], "filter": {"kind": {"$in": "a"}}},
        {"vector": [1], "filter": {"kind": {"$in": ["a"], "$gt": "b"}}},
        {"vector": [0]},
        {"query": ""},
        {"vector": [1], "topk": 5},
    ],
)
def test_a_bad_search_is_refused_and_not_billed(body: dict[str, Any]) -> None:
    caller = caller_context(plan="basic", limits={"requests_per_month": 1})
    refused = search(caller, **body)
    assert refused.status == 422
    assert refused.json()["detail"]
    assert search(caller, vector=[1]).headers["x-usage-requests-remaining"] == "0"


def test_a_vector_of_another_length_is_refused_and_not_billed() -> None:
    caller = caller_context(plan="basic", limits={"requests_per_month": 1})
    upsert(caller, *FRUIT)
    refused = upsert(caller, {"id": "short", "vector": [1, 2]})
    assert (refused.status, "have 3" in refused.json()["detail"]) == (422, True)
    assert search(caller, vector=[1, 0]).status == 422
    assert search(caller, vector=[1, 0, 0]).status == 200


@pytest.mark.parametrize("count", [0, MAX_ITEMS + 1])
def test_a_call_has_between_one_and_a_thousand_items(caller: Context, count: int) -> None:
    answer = upsert(caller, *({"id": str(n), "vector": [1]} for n in range(count)))
    assert (answer.status, answer.json()["errors"][0]["field"]) == (422, "items")


def test_a_thousand_items_of_common_size_are_taken(caller: Context) -> None:
    items = [{"id": f"{n:04}", "vector": [n + 1, *[0.5] * 127], "metadata": {"n": n}} for n in range(MAX_ITEMS)]
    assert upsert(caller, *items).json() == {"upserted": MAX_ITEMS}
    hits = search(caller, vector=[1, *[0] * 127], top_k=1).json()["hits"]
    assert [hit["id"] for hit in hits] == ["0999"]


@pytest.mark.parametrize("body", ["", "no json", "[]", "null", "5", '"text"', '{"namespace": ' + "[" * 100_000])
def test_what_is_no_json_object_is_a_problem_document(caller: Context, body: str) -> None:
    for path in ("/api/vectordb/upsert", "/api/vectordb/search"):
        answer = call("POST", path, body=body, headers={"Content-Type": "application/json"}, caller=caller)
        assert answer.status in {400, 422}
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_text_without_an_embedding_model_says_what_to_configure(caller: Context) -> None:
    for answer in (search(caller, query="apple"), upsert(caller, {"id": "1", "text": "apple"})):
        assert answer.status == 422
        assert "SMYTH_EMBEDDING_MODEL" in answer.json()["detail"]
        assert "Send vectors" in answer.json()["detail"]


def test_the_operator_and_strangers_are_refused(caller: Context) -> None:
    body = {"namespace": "notes", "vector": [1]}
    assert call("POST", "/api/vectordb/search", body=body, caller=OPERATOR).status == 403
    assert call("POST", "/api/vectordb/search", body=body).status == 401
    viewer = caller_context(caller["tenant_id"], role="viewer")
    assert upsert(viewer, FRUIT[0]).status == 403


def test_many_writers_at_once_lose_nothing() -> None:
    tenant = new_tenant_id()

    def write(worker: int) -> None:
        store = BucketVectors(services().bucket, patience_s=60)
        for n in range(5):
            store.upsert(
                tenant, "notes", [VectorItem(f"{worker}-{n}", (1.0, worker + n)), VectorItem("shared", (1.0, n))]
            )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    found = BucketVectors(services().bucket).search(tenant, "notes", (1.0, 0.0), 100)
    assert {hit.id for hit in found} == {f"{worker}-{n}" for worker in range(8) for n in range(5)} | {"shared"}
    # Nothing of what was merged or lost a race stays behind: as many objects as the manifest names.
    prefix = f"t/{tenant}/vectors/notes/"
    manifest = json.loads(services().bucket.get(f"{prefix}manifest.json") or b"")
    segments = {key.rsplit("/", 1)[-1] for key in services().bucket.keys(f"{prefix}segments/")}
    assert segments == {entry["name"] for entry in manifest["segments"]}


@pytest.fixture
def embedding_model(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """A stack that is configured to embed with a server of ours."""
    with ModelServer() as server:
        entry = {"provider": "OpenAI", "model": "text-embedding-3-small", "base_url": server.base_url}
        monkeypatch.setenv("SMYTH_EMBEDDING_MODEL", json.dumps(entry))
        _forget()
        yield server
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    settings.cache_clear()
    services.cache_clear()


@pytest.mark.xdist_group("litellm")
def test_texts_are_embedded_and_found_by_text(caller: Context, embedding_model: ModelServer) -> None:
    items = [
        {"id": "1", "text": "zebra zoo"},
        {"id": "2", "vector": embedding("a banana")},
        {"id": "3", "text": "kiwi"},
    ]
    assert upsert(caller, *items).json() == {"upserted": 3}
    assert [request["input"] for request in embedding_model.requests] == [["zebra zoo", "kiwi"]]
    found = search(caller, query="a banana")
    assert found.json()["hits"][0]["id"] == "2"
    assert search(caller, query="zoo zebra", top_k=1).json()["hits"][0] == {
        "id": "1",
        "score": 1.0,
        "text": "zebra zoo",
        "metadata": {},
    }


@pytest.mark.xdist_group("litellm")
def test_embedding_a_query_is_billed_to_the_caller(caller: Context, embedding_model: ModelServer) -> None:
    upsert(caller, {"id": "1", "vector": embedding("kiwi")})
    figures = search(caller, query="kiwi").headers
    entries = list(services().meter.store.entries(caller["tenant_id"], utc_now().date()))
    assert [(entry.model, entry.input_tokens) for entry in entries] == [("text-embedding-3-small", 1)]
    assert figures["x-usage-cost"] == "0.000000"


@pytest.mark.xdist_group("litellm")
def test_a_model_that_fails_is_told_and_nothing_written_or_billed(
    caller: Context, embedding_model: ModelServer
) -> None:
    embedding_model.failing["embeddings"] = Fail(500)
    failed = [upsert(caller, {"id": "1", "text": "kiwi"}), search(caller, query="kiwi")]
    assert [answer.status for answer in failed] == [503, 503]
    assert "OpenAI failed to answer" in failed[0].json()["detail"]
    assert services().bucket.keys(f"t/{caller['tenant_id']}/vectors/") == []


def test_with_the_embedded_model_texts_are_found_without_a_key(
    caller: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMYTH_EMBEDDING_MODEL", "embedded")
    _forget()
    items = [{"id": "fruit", "text": "Bananas are yellow."}, {"id": "plan", "text": "Steps to end a subscription"}]
    assert upsert(caller, *items).json() == {"upserted": 2}
    assert search(caller, query="How do I cancel my plan?").json()["hits"][0]["id"] == "plan"
    folder = f"t/{caller['tenant_id']}/embeddings/"
    kept = services().bucket.keys(folder)
    assert upsert(caller, *items).json() == {"upserted": 2}
    assert kept
    assert services().bucket.keys(folder) == kept
    monkeypatch.undo()
    _forget()


@pytest.mark.xdist_group("litellm")
def test_texts_of_another_model_are_refused_with_both_names(
    caller: Context, embedding_model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert upsert(caller, {"id": "1", "text": "zebra zoo"}).status == 200
    monkeypatch.setenv("SMYTH_EMBEDDING_MODEL", "embedded")
    _forget()
    for answer in (upsert(caller, {"id": "2", "text": "kiwi"}), search(caller, query="zoo")):
        assert answer.status == 422
        assert '"OpenAI/text-embedding-3-small"' in answer.json()["detail"]
        assert '"embedded/all-minilm-l6-v2"' in answer.json()["detail"]
    assert search(caller, query="zoo", namespace="new").json()["hits"] == []


def namespaces(caller: Context, query: str = "") -> list[str]:
    return [one["namespace"] for one in call("GET", f"/api/vectordb{query}", caller=caller).json()["items"]]


def test_namespaces_are_listed_shown_and_deleted(caller: Context) -> None:
    for namespace in ("a", "b", "c"):
        upsert(caller, *FRUIT, namespace=namespace)
    assert namespaces(caller) == ["a", "b", "c"]
    first = call("GET", "/api/vectordb?limit=2", caller=caller).json()
    assert [one["namespace"] for one in first["items"]] == ["a", "b"]
    assert namespaces(caller, f"?cursor={first['next_cursor']}") == ["c"]
    shown = call("GET", "/api/vectordb/a", caller=caller).json()
    assert shown.pop("bytes") > 0
    assert shown == {"namespace": "a", "items": 3, "dimensions": 3}
    assert call("DELETE", "/api/vectordb/a", caller=caller).json() == {"deleted": 3}
    assert namespaces(caller) == ["b", "c"]
    for method in ("GET", "DELETE"):
        gone = call(method, "/api/vectordb/a", caller=caller)
        assert (gone.status, "GET /api/vectordb" in gone.json()["detail"]) == (404, True)


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ({"filter": {"kind": "stone"}}, ["apple", "carrot"]),
        ({"filter": {"n": {"$gt": 0}}}, ["cherry", "carrot"]),
        ({"ids": ["apple", "carrot", "apple", "nothing"]}, ["cherry"]),
    ],
)
def test_items_are_deleted_by_id_or_filter(caller: Context, body: dict[str, Any], left: list[str]) -> None:
    upsert(caller, *FRUIT)
    answer = call("POST", "/api/vectordb/notes/delete", body=body, caller=caller)
    assert answer.json() == {"deleted": 3 - len(left)}
    assert [hit["id"] for hit in search(caller, vector=[1, 0, 0]).json()["hits"]] == left
    assert call("DELETE", f"/api/vectordb/notes/{left[0]}", caller=caller).json() == {"deleted": 1}
    assert call("DELETE", f"/api/vectordb/notes/{left[0]}", caller=caller).json() == {"deleted": 0}


@pytest.mark.parametrize(
    "body", [{}, {"filter": {}}, {"ids": []}, {"ids": ["apple"], "filter": {"n": 1}}, {"filter": {"n": {"$x": 1}}}]
)
def test_a_deletion_that_does_not_say_what_is_refused_and_deletes_nothing(caller: Context, body: Any) -> None:
    upsert(caller, *FRUIT)
    assert call("POST", "/api/vectordb/notes/delete", body=body, caller=caller).status == 422
    assert len(search(caller, vector=[1, 0, 0]).json()["hits"]) == 3


@pytest.mark.xdist_group("litellm")
def test_an_upsert_is_billed_where_it_embeds(embedding_model: ModelServer) -> None:
    caller = caller_context(plan="basic", limits={"requests_per_month": 1})
    free = upsert(caller, *({"id": str(n), "vector": embedding("kiwi")} for n in range(3)))
    assert "x-usage-requests-remaining" not in free.headers
    paid = upsert(caller, {"id": "4", "text": "zebra zoo"}, {"id": "5", "vector": embedding("kiwi")})
    assert (paid.status, paid.headers["x-usage-requests-remaining"]) == (200, "0")
    assert upsert(caller, {"id": "6", "text": "kiwi"}).status == 429
    assert upsert(caller, {"id": "7", "vector": embedding("kiwi")}).status == 200


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Sets what the stack is configured for."""

    def configure(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        _forget()

    yield configure
    monkeypatch.undo()
    _forget()


def test_words_are_refused_where_the_store_does_not_search_them(caller: Context, stack: Callable[..., None]) -> None:
    stack(SMYTH_EMBEDDING_MODEL="embedded")
    assert upsert(caller, {"id": "fruit", "text": "Bananas are yellow."}).status == 200
    refused = search(caller, query="yellow", hybrid=True)
    assert (refused.status, refused.json()["errors"][0]["field"]) == (422, "hybrid")
    assert "vectors alone" in refused.json()["detail"]
    assert search(caller, vector=[1.0, 0.0], hybrid=True).status == 422


def test_a_stack_with_opensearch_finds_by_vector_and_by_words_and_tells_when_it_sleeps(
    caller: Context, stack: Callable[..., None]
) -> None:
    with OpenSearchServer("aoss") as collection:
        chosen = json.dumps({"kind": "opensearch", "endpoint": collection.url})
        stack(SMYTH_VECTORS=chosen, SMYTH_EMBEDDING_MODEL="embedded")
        texts = {"fruit": "Bananas are yellow.", "plan": "Steps to end a subscription", "code": "Error QX-4711"}
        assert upsert(caller, *({"id": name, "text": text} for name, text in texts.items())).json() == {"upserted": 3}
        assert search(caller, query="How do I cancel my plan?").json()["hits"][0]["id"] == "plan"
        found = search(caller, query="What does QX-4711 mean?", hybrid=True).json()["hits"]
        assert found[0]["id"] == "code"
        assert call("GET", "/api/vectordb/notes", caller=caller).json()["items"] == 3
        collection.asleep = 1
        asleep = search(caller, query="Bananas")
        assert (asleep.status, asleep.headers["retry-after"]) == (503, "15")
        deleted = call("POST", "/api/vectordb/notes/delete", body={"ids": ["fruit", "code"]}, caller=caller)
        assert deleted.json() == {"deleted": 2}
