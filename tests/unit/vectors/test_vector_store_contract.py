"""What every vector store owes, run over each adapter."""

from __future__ import annotations

import math
from typing import Any

import pytest

from smyth.connectors.vectors.port import DimensionMismatch, Unsupported, VectorItem, VectorStore

TENANT = "ten-a"


#: Each adapter is made by the fixture ``<name>_store``; those that also search by words are listed apart.
WITHOUT_WORDS = ["memory", "bucket", "s3_vectors"]
WITH_WORDS = ["opensearch"]


@pytest.fixture(params=[*WITHOUT_WORDS, *WITH_WORDS])
def store(request: pytest.FixtureRequest) -> VectorStore:
    made: VectorStore = request.getfixturevalue(f"{request.param}_store")
    return made


@pytest.fixture(params=WITHOUT_WORDS)
def store_without_words(request: pytest.FixtureRequest) -> VectorStore:
    made: VectorStore = request.getfixturevalue(f"{request.param}_store")
    return made


@pytest.fixture(params=WITH_WORDS)
def store_with_words(request: pytest.FixtureRequest) -> VectorStore:
    made: VectorStore = request.getfixturevalue(f"{request.param}_store")
    return made


def item(item_id: str, *vector: float, text: str | None = None, **metadata: Any) -> VectorItem:
    return VectorItem(item_id, vector, text, metadata)


def ids(
    store: VectorStore, vector: tuple[float, ...], top_k: int = 10, filter: dict[str, Any] | None = None
) -> list[str]:
    return [hit.id for hit in store.search(TENANT, "notes", vector, top_k, filter)]


def test_an_unknown_namespace_has_no_hits(store: VectorStore) -> None:
    assert store.search(TENANT, "nothing", (1.0, 0.0), 5) == []


def test_hits_come_best_first_with_the_cosine_as_score(store: VectorStore) -> None:
    written = store.upsert(TENANT, "notes", [item("far", -1, 0), item("near", 3, 3), item("same", 5, 0)])
    hits = store.search(TENANT, "notes", (2.0, 0.0), 10)
    assert written == 3
    assert [hit.id for hit in hits] == ["same", "near", "far"]
    assert [hit.score for hit in hits] == pytest.approx([1.0, math.sqrt(0.5), -1.0], abs=1e-6)


def test_text_and_metadata_come_back_as_given(store: VectorStore) -> None:
    metadata = {"lang": "de", "tags": ["a", "b"], "nested": {"n": None, "x": 1.5}, "ü": "\u0000"}
    store.upsert(TENANT, "notes", [VectorItem("1", (1.0, 0.0), "Grüße 🌍", metadata), item("2", 0, 1)])
    first, second = store.search(TENANT, "notes", (1.0, 0.0), 2)
    assert (first.text, first.metadata) == ("Grüße 🌍", metadata)
    assert (second.text, second.metadata) == (None, {})


def test_top_k_cuts_and_equal_scores_keep_the_order_of_ids(store: VectorStore) -> None:
    store.upsert(TENANT, "notes", [item("c", 1, 0), item("a", 2, 0), item("d", 0, 1), item("b", 3, 0)])
    assert ids(store, (1.0, 0.0), top_k=2) == ["a", "b"]


def test_the_same_id_replaces_vector_text_and_metadata(store: VectorStore) -> None:
    store.upsert(TENANT, "notes", [item("1", 1, 0, text="old", n=1)])
    store.upsert(TENANT, "notes", [item("1", 0, 1, text="new", n=2)])
    (hit,) = store.search(TENANT, "notes", (0.0, 1.0), 10)
    assert (hit.score, hit.text, hit.metadata) == (1.0, "new", {"n": 2})
    assert ids(store, (0.0, 1.0), filter={"n": 1}) == []


def test_of_an_id_given_twice_the_last_counts(store: VectorStore) -> None:
    assert store.upsert(TENANT, "notes", [item("1", 1, 0), item("1", 0, 1)]) == 1
    assert store.search(TENANT, "notes", (0.0, 1.0), 10)[0].score == 1.0


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({"lang": "en"}, ["1", "2"]),
        ({"lang": "en", "year": 2024}, ["1"]),
        ({"lang": {"$in": ["de", "fr"]}}, ["3"]),
        ({"lang": {"$in": []}}, []),
        ({"year": 2024.0}, ["1", "3"]),
        ({"year": "2024"}, []),
        ({"flag": True}, ["2"]),
        ({"flag": 1}, ["3"]),
        ({"flag": None}, ["1"]),
        ({"box": {"b": 2, "a": 1}}, ["1"]),
        ({"absent": None}, []),
        ({"absent": {"$ne": 1}}, []),
        ({"lang": {"$ne": "en"}}, ["3"]),
        ({"flag": {"$ne": 1}}, ["1", "2"]),
        ({"year": {"$gt": 2024}}, ["2"]),
        ({"year": {"$gte": 2023.5, "$lt": 2025}}, ["1", "3"]),
        ({"year": {"$lte": 2024}, "lang": "en"}, ["1"]),
        ({"flag": {"$gte": 0}}, ["3"]),
        ({"lang": {"$gt": 0}}, []),
        ({"$or": [{"lang": "de"}, {"year": {"$gte": 2025}}]}, ["2", "3"]),
        ({"$and": [{"lang": "en"}, {"$or": [{"flag": True}, {"flag": 1}]}]}, ["2"]),
        ({"lang": {"$in": ["en", "de"]}, "$or": [{"flag": None}]}, ["1"]),
    ],
)
def test_a_filter_keeps_items_with_equal_metadata(
    store: VectorStore, filter: dict[str, Any], expected: list[str]
) -> None:
    store.upsert(
        TENANT,
        "notes",
        [
            item("1", 3, 0, lang="en", year=2024, flag=None, box={"a": 1, "b": 2}),
            item("2", 3, 1, lang="en", year=2025, flag=True),
            item("3", 3, 2, lang="de", year=2024, flag=1),
        ],
    )
    assert ids(store, (1.0, 0.0), filter=filter) == expected


def test_the_filter_works_before_top_k(store: VectorStore) -> None:
    near = [item(f"near-{n}", 1, 0, kind="x") for n in range(20)]
    store.upsert(TENANT, "notes", [*near, item("wanted", -1, 0, kind="y")])
    assert ids(store, (1.0, 0.0), top_k=3, filter={"kind": "y"}) == ["wanted"]


def test_vectors_must_fit_the_namespace(store: VectorStore) -> None:
    store.upsert(TENANT, "notes", [item("1", 1, 0)])
    with pytest.raises(DimensionMismatch, match=r"3 dimensions.*have 2"):
        store.upsert(TENANT, "notes", [item("2", 1, 0, 0)])
    with pytest.raises(DimensionMismatch, match=r"1 dimensions.*have 2"):
        store.search(TENANT, "notes", (1.0,), 5)
    with pytest.raises(DimensionMismatch, match="different lengths"):
        store.upsert(TENANT, "fresh", [item("1", 1, 0), item("2", 1)])
    assert ids(store, (1.0, 0.0)) == ["1"]
    assert store.search(TENANT, "fresh", (1.0, 0.0), 5) == []


@pytest.mark.parametrize("vector", [(0.0, 0.0), (math.nan, 1.0), (math.inf, 1.0), (-math.inf, 0.0)])
def test_a_vector_without_direction_is_refused_and_nothing_written(
    store: VectorStore, vector: tuple[float, float]
) -> None:
    with pytest.raises(ValueError, match="vector"):
        store.upsert(TENANT, "notes", [item("good", 1, 0), VectorItem("bad", vector)])
    assert ids(store, (1.0, 0.0)) == []
    store.upsert(TENANT, "notes", [item("good", 1, 0)])
    with pytest.raises(ValueError, match="vector"):
        store.search(TENANT, "notes", vector, 5)


@pytest.mark.parametrize("size", [5e-324, 1e-200, 1e-30, 1e30, 1e200, 1.7e308])
def test_the_size_of_members_does_not_matter(store: VectorStore, size: float) -> None:
    store.upsert(TENANT, "notes", [item("1", size, size), item("2", size, 0.0)])
    hits = store.search(TENANT, "notes", (size, 0.0), 5)
    assert [hit.score for hit in hits] == pytest.approx([1.0, math.sqrt(0.5)], abs=1e-6)


def test_replaces_what_a_filter_finds_as_a_whole(store: VectorStore) -> None:
    store.upsert(TENANT, "notes", [item("a1", 1, 0, source="a"), item("a2", 1, 1, source="a"), item("b1", 0, 1)])
    assert store.replace(TENANT, "notes", {"source": "a"}, [item("a1", 1, 2, text="new", source="a")]) == 2
    hits = store.search(TENANT, "notes", (1.0, 0.0), 10)
    assert [(hit.id, hit.text) for hit in hits] == [("a1", "new"), ("b1", None)]
    assert store.replace(TENANT, "notes", {"source": "a"}, []) == 1
    assert store.replace(TENANT, "notes", {"source": "a"}, []) == 0
    assert ids(store, (1.0, 0.0)) == ["b1"]


def test_what_was_replaced_does_not_come_back_from_older_writes(store: VectorStore) -> None:
    store.upsert(TENANT, "notes", [item("1", 1, 0)])
    store.upsert(TENANT, "notes", [item("1", 1, 0, source="a")])
    store.replace(TENANT, "notes", {"source": "a"}, [])
    assert ids(store, (1.0, 0.0)) == []


def test_a_replacement_that_does_not_fit_leaves_all_as_it_was(store: VectorStore) -> None:
    store.upsert(TENANT, "notes", [item("1", 1, 0, source="a"), item("2", 0, 1)])
    with pytest.raises(DimensionMismatch):
        store.replace(TENANT, "notes", {"source": "a"}, [item("1", 1, 0, 0, source="a")])
    assert ids(store, (1.0, 0.0)) == ["1", "2"]


def test_a_namespace_exists_once_it_was_written_to(store: VectorStore) -> None:
    store.delete_items(TENANT, "notes", ["1"])
    store.replace(TENANT, "notes", {"source": "a"}, [])
    store.search(TENANT, "notes", (1.0, 0.0), 1)
    assert not store.exists(TENANT, "notes")
    store.replace(TENANT, "notes", {"source": "a"}, [item("1", 1, 0, source="a")])
    assert store.exists(TENANT, "notes")
    store.delete_items(TENANT, "notes", ["1"])
    assert store.exists(TENANT, "notes")
    assert not store.exists("ten-b", "notes")


def test_tenants_and_namespaces_are_apart(store: VectorStore) -> None:
    store.upsert(TENANT, "notes", [item("mine", 1, 0)])
    store.upsert("ten-b", "notes", [item("theirs", 1, 0, 0)])
    store.upsert(TENANT, "other", [item("elsewhere", 1)])
    assert ids(store, (1.0, 0.0)) == ["mine"]
    assert [hit.id for hit in store.search("ten-b", "notes", (1.0, 0.0, 0.0), 5)] == ["theirs"]


def test_an_item_can_be_deleted_wherever_it_lies(store: VectorStore) -> None:
    store.upsert(TENANT, "notes", [item("1", 1, 0), item("2", 1, 1)])
    store.upsert(TENANT, "notes", [item("1", 0, 1), item("3", 1, 2)])
    assert store.delete_items(TENANT, "notes", ["1"]) == 1
    assert store.delete_items(TENANT, "notes", ["1"]) == 0
    assert ids(store, (1.0, 0.0)) == ["2", "3"]


def test_many_items_are_deleted_at_once(store: VectorStore) -> None:
    store.upsert(TENANT, "notes", [item(f"{n:03}", 1, n) for n in range(150)])
    store.upsert(TENANT, "notes", [item("007", 0, 1), item("kept", 1, 0)])
    every_other = [f"{n:03}" for n in range(1, 150, 2)]
    assert store.delete_items(TENANT, "notes", [*every_other, "007", "unknown"]) == 75
    assert store.delete_items(TENANT, "notes", every_other) == 0
    assert store.delete_items(TENANT, "nothing", ["1"]) == 0
    assert store.delete_items(TENANT, "notes", []) == 0
    found = store.search(TENANT, "notes", (1.0, 0.0), 100)
    assert {hit.id for hit in found} == {"kept", *(f"{n:03}" for n in range(0, 150, 2))}


def test_a_deleted_namespace_is_empty_and_takes_other_dimensions(store: VectorStore) -> None:
    store.upsert(TENANT, "notes", [item("1", 1, 0), item("2", 1, 1)])
    assert store.delete(TENANT, "notes") == 2
    assert store.delete(TENANT, "notes") == 0
    assert ids(store, (1.0, 0.0)) == []
    store.upsert(TENANT, "notes", [item("1", 1, 0, 0)])
    assert ids(store, (1.0, 0.0, 0.0)) == ["1"]


def test_many_small_writes_stay_whole(store: VectorStore) -> None:
    for n in range(60):
        store.upsert(TENANT, "notes", [item(f"{n:02}", 1, n), item("shared", 1, -n - 1, n=n)])
    found = store.search(TENANT, "notes", (1.0, 0.0), 100)
    assert sorted(hit.id for hit in found) == [*(f"{n:02}" for n in range(60)), "shared"]
    assert next(hit for hit in found if hit.id == "shared").metadata == {"n": 59}


def test_writing_nothing_is_no_fault(store: VectorStore) -> None:
    assert store.upsert(TENANT, "notes", []) == 0


@pytest.mark.parametrize(
    "filter",
    [
        {"a": {"$near": 1}},
        {"a": {"$in": 1}},
        {"a": {"$gt": "x"}},
        {"a": {"$lt": True}},
        {"$or": []},
        {"$and": {}},
        {"$not": {"a": 1}},
        {"a": {"$in": [1], "b": 2}},
    ],
)
def test_a_filter_that_is_not_known_is_refused(store: VectorStore, filter: dict[str, Any]) -> None:
    store.upsert(TENANT, "notes", [item("1", 1, 0, a=1)])
    with pytest.raises(ValueError, match="filter"):
        store.search(TENANT, "notes", (1.0, 0.0), 5, filter)
    with pytest.raises(ValueError, match="filter"):
        store.delete_where(TENANT, "notes", filter)
    assert ids(store, (1.0, 0.0)) == ["1"]


def test_deletes_what_a_filter_finds(store: VectorStore) -> None:
    store.upsert(TENANT, "notes", [item("1", 1, 0, year=2023), item("2", 1, 1, year=2024), item("3", 0, 1)])
    assert store.delete_where(TENANT, "notes", {"year": {"$gte": 2024}}) == 1
    assert store.delete_where(TENANT, "notes", {"year": {"$gte": 2024}}) == 0
    assert store.delete_where(TENANT, "nothing", {"year": 2023}) == 0
    assert ids(store, (1.0, 0.0)) == ["1", "3"]


def test_namespaces_are_listed_with_what_they_hold(store: VectorStore) -> None:
    assert store.namespaces(TENANT) == []
    assert store.stats(TENANT, "notes") is None
    store.upsert(TENANT, "notes", [item("1", 1, 0), item("2", 1, 1)])
    store.upsert(TENANT, "notes", [item("1", 0, 1)])
    store.upsert(TENANT, "drafts", [item("1", 1, 0, 0)])
    store.upsert("ten-b", "theirs", [item("1", 1)])
    assert store.namespaces(TENANT) == ["drafts", "notes"]
    notes, drafts = store.stats(TENANT, "notes"), store.stats(TENANT, "drafts")
    assert notes is not None
    assert (notes.items, notes.dimensions) == (2, 2)
    assert drafts is not None
    assert (drafts.items, drafts.dimensions) == (1, 3)


def test_namespaces_come_in_pages_and_in_the_order_of_names(store: VectorStore) -> None:
    for name in ("a.b", "c", "a", "a-b", "b"):
        store.upsert(TENANT, name, [item("1", 1, 0)])
    store.delete(TENANT, "b")
    assert store.namespaces(TENANT, limit=2) == ["a", "a-b"]
    assert store.namespaces(TENANT, after="a-b", limit=2) == ["a.b", "c"]
    assert store.namespaces(TENANT, after="b") == ["c"]
    assert store.namespaces(TENANT, after="c", limit=2) == []


def test_a_deleted_namespace_is_no_more_until_it_is_written_to(store: VectorStore) -> None:
    store.upsert(TENANT, "notes", [item("1", 1, 0)])
    store.delete(TENANT, "notes")
    assert (store.exists(TENANT, "notes"), store.namespaces(TENANT), store.stats(TENANT, "notes")) == (False, [], None)
    store.replace(TENANT, "notes", {"a": 1}, [])
    assert not store.exists(TENANT, "notes")
    store.upsert(TENANT, "notes", [item("1", 1, 0)])
    assert (store.exists(TENANT, "notes"), store.namespaces(TENANT)) == (True, ["notes"])


def test_an_emptied_namespace_is_still_there(store: VectorStore) -> None:
    store.upsert(TENANT, "notes", [item("1", 1, 0)])
    store.delete_items(TENANT, "notes", ["1"])
    stats = store.stats(TENANT, "notes")
    assert stats is not None
    assert stats.items == 0
    assert store.namespaces(TENANT) == ["notes"]


def test_words_are_refused_where_they_are_not_searched(store_without_words: VectorStore) -> None:
    store_without_words.upsert(TENANT, "notes", [item("1", 1, 0, text="a red fox")])
    with pytest.raises(Unsupported, match="vectors alone"):
        store_without_words.search(TENANT, "notes", (1.0, 0.0), 2, text="fox")


def test_words_and_vectors_are_ranked_together_and_scores_stay_cosines(store_with_words: VectorStore) -> None:
    store = store_with_words
    texts = {"near": "a grey wolf", "both": "a red fox", "worded": "one fox", "far": "a brown bear"}
    vectors = {"near": (1, 0), "both": (1, 1), "worded": (-1, 0), "far": (0, -1)}
    store.upsert(TENANT, "notes", [item(name, *vectors[name], text=texts[name], n=1) for name in texts])
    hits = store.search(TENANT, "notes", (1.0, 0.0), 4, text="fox")
    assert {hit.id for hit in hits[:2]} == {"both", "worded"}
    assert {hit.id: hit.score for hit in hits} == pytest.approx(
        {"near": 1.0, "both": math.sqrt(0.5), "worded": -1.0, "far": 0.0}, abs=1e-6
    )
    assert store.search(TENANT, "notes", (1.0, 0.0), 1, {"n": 2}, text="fox") == []
    assert [hit.id for hit in store.search(TENANT, "notes", (1.0, 0.0), 1, text="nothing like it")] == ["near"]
