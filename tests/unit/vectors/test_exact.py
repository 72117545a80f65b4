from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smyth.connectors.vectors.exact import Index, Segment, tail_to_merge
from smyth.connectors.vectors.port import VectorItem


def test_a_segment_survives_packing() -> None:
    items = [VectorItem(f"é{n}", (n + 1.0, 1.0, 0.5), "t" * n or None, {"n": n}) for n in range(7)]
    segment = Segment.of(items)
    again = Segment.unpack(segment.pack())
    assert again.ids == segment.ids
    assert again.payloads == segment.payloads
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
