from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smyth.connectors.vectors.exact import Index, tail_to_merge
from smyth.connectors.vectors.port import VectorItem
from smyth.connectors.vectors.segments import Segment


def test_a_segment_survives_packing() -> None:
    items = [VectorItem(f"é{n}", (n + 1.0, 1.0, 0.5), "t" * n or None, {"n": n}) for n in range(7)]
    segment = Segment.of(items)
    again = Segment.unpack(segment.pack())
    assert again.ids == segment.ids
    assert [again.payloads[row] for row in range(7)] == [segment.payloads[row] for row in range(7)]
    assert np.array_equal(again.vectors, segment.vectors)
    assert again.vectors.flags.aligned


def test_search_agrees_with_plain_cosine_on_many_vectors() -> None:
    random = np.random.default_rng(7)
    vectors = random.normal(size=(500, 16))
    segments = [
        Segment.of([VectorItem(str(row), tuple(vectors[row])) for row in range(begin, begin + 100)])
        for begin in range(0, 500, 100)
    ]
    query = random.normal(size=16)
    cosines = vectors @ query / (np.linalg.norm(vectors, axis=1) * np.linalg.norm(query))
    hits = Index(segments).search(tuple(query), 10)
    assert [int(hit.id) for hit in hits] == list(np.argsort(-cosines)[:10])
    assert [hit.score for hit in hits] == pytest.approx(sorted(cosines, reverse=True)[:10], abs=1e-5)


@given(st.lists(st.integers(0, 5_000), max_size=40), st.integers(1, 10))
def test_merging_the_tail_never_takes_more_than_there_is_and_only_when_needed(sizes: list[int], most: int) -> None:
    count = tail_to_merge(sizes, most)
    assert count == 0 if len(sizes) <= most else 2 <= count <= len(sizes)


def test_equal_writes_leave_few_segments_and_move_each_item_seldom() -> None:
    sizes: list[int] = []
    moved = 0
    for _ in range(1_000):
        sizes.append(10)
        if count := tail_to_merge(sizes, 8):
            moved += sum(sizes[-count:])
            sizes[-count:] = [sum(sizes[-count:])]
        assert len(sizes) <= 20
    assert sum(sizes) == 10_000
    assert moved < 10_000 * 8


def clustered(rows: int, dimensions: int = 32, clusters: int = 200) -> np.ndarray:
    random = np.random.default_rng(3)
    centres = random.normal(size=(clusters, dimensions))
    return centres[random.integers(clusters, size=rows)] + 0.5 * random.normal(size=(rows, dimensions))


@pytest.fixture(scope="module")
def large() -> tuple[np.ndarray, Segment]:
    vectors = clustered(20_000)
    items = [VectorItem(str(row), tuple(vectors[row]), None, {"n": row % 1000}) for row in range(len(vectors))]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), Segment.unpack(Segment.of(items).pack())


@pytest.mark.parametrize(
    ("filter", "kept"), [({}, 1000), ({"n": {"$lt": 400}}, 400), ({"n": {"$lt": 30}}, 30), ({"n": 7}, 8)]
)
def test_a_large_segment_finds_nearly_all_that_an_exact_search_finds(
    large: tuple[np.ndarray, Segment], filter: dict, kept: int
) -> None:
    vectors, segment = large
    index = Index([segment])
    allowed = np.arange(7, 20_000, 1000) if kept == 8 else np.flatnonzero(np.arange(20_000) % 1000 < kept)
    found = 0
    for query in vectors[::1000]:
        exact = allowed[np.argsort(-(vectors[allowed] @ query))[:10]]
        hits = index.search(tuple(query), 10, filter)
        found += len({int(hit.id) for hit in hits} & set(exact.tolist()))
        assert all(hit.score == pytest.approx(float(vectors[int(hit.id)] @ query), abs=1e-3) for hit in hits)
    assert found >= 0.95 * 10 * 20


def test_rows_of_a_large_segment_that_a_newer_one_hides_are_not_found(large: tuple[np.ndarray, Segment]) -> None:
    vectors, segment = large
    newer = Segment.of([VectorItem("5", tuple(-vectors[5]))])
    index = Index([segment, newer])
    assert len(index) == 20_000
    assert index.search(tuple(vectors[5]), 1)[0].id != "5"
    assert index.search(tuple(-vectors[5]), 1)[0].id == "5"
    assert len(Index([Index([segment, newer]).merged()])) == 20_000


def test_segments_of_earlier_versions_are_read() -> None:
    header = json.dumps({"ids": ["a", "b"], "dimensions": 2, "sizes": [27, 27]}).encode()
    header += b" " * (-(4 + len(header)) % 16)
    vectors = np.array([[1, 0], [0, 1]], dtype="<f4").tobytes()
    payload = b'{"text":"x","metadata":{}}\n'
    segment = Segment.unpack(len(header).to_bytes(4, "little") + header + vectors + payload * 2)
    assert [(hit.id, hit.score) for hit in Index([segment]).search((1, 0), 1)] == [("a", 1.0)]
