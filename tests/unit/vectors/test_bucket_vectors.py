"""What only the bucket can do wrong: other writers, crashes between two writes, lost answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from smyth.aws import vectors
from smyth.aws.bucket import Bucket
from smyth.aws.vectors import BucketVectors
from smyth.connectors.vectors.port import NamespaceFull, TooManyWriters, VectorItem

from .conftest import BUCKET

TENANT = "ten-a"


class Interrupted:
    """An S3 client that calls ``before`` ahead of, and ``after`` behind each write of a manifest."""

    def __init__(
        self, s3: Any, before: Callable[[], None] | None = None, after: Callable[[], None] | None = None
    ) -> None:
        self._s3, self._before, self._after = s3, before, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)

    def put_object(self, **arguments: Any) -> Any:
        is_manifest = arguments["Key"].endswith("manifest.json")
        if is_manifest and self._before:
            self._before()
        answer = self._s3.put_object(**arguments)
        if is_manifest and self._after:
            self._after()
        return answer


def on(s3: Any, **options: Any) -> BucketVectors:
    return BucketVectors(Bucket(BUCKET, s3), **options)


def item(item_id: str, *vector: float) -> VectorItem:
    return VectorItem(item_id, vector or (1.0, 0.0))


def ids(s3: Any, namespace: str = "notes") -> list[str]:
    return [hit.id for hit in on(s3).search(TENANT, namespace, (1.0, 0.0), 1_000)]


def segments(s3: Any) -> list[str]:
    return [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []) if "/segments/" in one["Key"]]


def once(action: Callable[[], Any]) -> Callable[[], None]:
    left = [action]

    def run() -> None:
        if left:
            left.pop()()

    return run


def test_keys_begin_with_the_tenant(s3: Any) -> None:
    on(s3).upsert(TENANT, "notes", [item("1")])
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert keys
    assert all(key.startswith("t/ten-a/vectors/notes/") for key in keys)


@pytest.mark.parametrize("existing", [[], [item("0")]])
def test_a_writer_who_comes_in_between_loses_nothing_and_takes_nothing(s3: Any, existing: list[VectorItem]) -> None:
    other = on(s3)
    other.upsert(TENANT, "notes", existing)
    slow = on(Interrupted(s3, before=once(lambda: other.upsert(TENANT, "notes", [item("2")]))))
    assert slow.upsert(TENANT, "notes", [item("1")]) == 1
    assert ids(s3) == [*(one.id for one in existing), "1", "2"]


def test_a_writer_in_between_may_set_the_dimensions(s3: Any) -> None:
    other = on(s3)
    slow = on(Interrupted(s3, before=once(lambda: other.upsert(TENANT, "notes", [item("2")]))))
    with pytest.raises(ValueError, match="dimensions"):
        slow.upsert(TENANT, "notes", [item("1", 1, 2, 3)])
    assert ids(s3) == ["2"]
    assert len(segments(s3)) == 1


def test_a_crash_before_the_manifest_leaves_the_namespace_as_it_was(s3: Any) -> None:
    def crash() -> None:
        raise KeyboardInterrupt

    on(s3).upsert(TENANT, "notes", [item("1")])
    with pytest.raises(KeyboardInterrupt):
        on(Interrupted(s3, before=crash)).upsert(TENANT, "notes", [item("2")])
    assert ids(s3) == ["1"]


def test_an_unknown_outcome_never_takes_a_segment_from_under_the_manifest(s3: Any) -> None:
    def lose_answer() -> None:
        raise ReadTimeoutError(endpoint_url="s3")

    with pytest.raises(ReadTimeoutError):
        on(Interrupted(s3, after=lose_answer)).upsert(TENANT, "notes", [item("1")])
    assert ids(s3) == ["1"]


def test_a_write_that_came_through_though_s3_said_conflict_counts_once(s3: Any) -> None:
    """botocore asks again after a time-out; the second answer is then a conflict with ourselves."""

    def conflict() -> None:
        raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "PutObject")

    writer = on(Interrupted(s3, after=once(conflict)))
    assert writer.upsert(TENANT, "notes", [item("1")]) == 1
    assert ids(s3) == ["1"]
    assert len(segments(s3)) == 1


def test_a_write_that_came_through_and_was_merged_before_we_knew_stays_whole(s3: Any) -> None:
    other = on(s3)

    def merge_then_conflict() -> None:
        for n in range(20):
            other.upsert(TENANT, "notes", [item(f"other-{n:02}")])
        raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "PutObject")

    writer = on(Interrupted(s3, after=once(merge_then_conflict)))
    assert writer.upsert(TENANT, "notes", [item("1")]) == 1
    assert ids(s3) == ["1", *(f"other-{n:02}" for n in range(20))]


def test_a_writer_who_never_gets_through_says_so_and_leaves_nothing(s3: Any) -> None:
    other = on(s3)
    busy = Interrupted(s3, before=lambda: other.upsert(TENANT, "notes", [item("2")]))
    unlucky = on(busy, patience_s=0.05)
    with pytest.raises(TooManyWriters, match="try again"):
        unlucky.upsert(TENANT, "notes", [item("1")])
    assert set(ids(s3)) == {"2"}


def test_merging_deletes_what_it_replaced(s3: Any) -> None:
    store = on(s3)
    for n in range(40):
        store.upsert(TENANT, "notes", [item(f"{n:02}")])
    assert len(segments(s3)) <= 9
    assert len(ids(s3)) == 40


def test_an_upsert_counts_though_the_merge_after_it_fails(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store = on(s3)

    def fail(self: Any, folder: str, entry: Any) -> Any:
        raise ClientError({"Error": {"Code": "SlowDown"}}, "GetObject")

    monkeypatch.setattr(BucketVectors, "_get_segment", fail)
    for n in range(12):
        store.upsert(TENANT, "notes", [item(f"{n:02}")])
    monkeypatch.undo()
    assert len(ids(s3)) == 12


def test_a_reader_whose_segments_were_merged_away_reads_again(s3: Any) -> None:
    store = on(s3)
    store.upsert(TENANT, "notes", [item("1")])

    class Stale(Interrupted):
        def get_object(self, **arguments: Any) -> Any:
            if "/segments/" in arguments["Key"]:
                merge()
            return self._s3.get_object(**arguments)

    merge = once(lambda: (store.upsert(TENANT, "notes", [item("2")]), store.delete_items(TENANT, "notes", ["1"])))
    reader = on(Stale(s3))
    assert [hit.id for hit in reader.search(TENANT, "notes", (1.0, 0.0), 5)] == ["2"]


def test_a_segment_that_is_lost_is_an_error_not_an_endless_search(s3: Any) -> None:
    store = on(s3)
    store.upsert(TENANT, "notes", [item("1")])
    for key in segments(s3):
        s3.delete_object(Bucket=BUCKET, Key=key)
    with pytest.raises(ClientError, match="NoSuchKey"):
        ids(s3)
    with pytest.raises(ClientError, match="NoSuchKey"):
        store.delete(TENANT, "notes")


def test_a_warm_store_fetches_only_what_is_new(s3: Any) -> None:
    fetched: list[str] = []

    class Counting(Interrupted):
        def get_object(self, **arguments: Any) -> Any:
            fetched.append(arguments["Key"].split("/")[4])
            return self._s3.get_object(**arguments)

    store = on(Counting(s3))
    writer = on(s3)
    for expected in (["manifest.json", "segments"], ["manifest.json", "segments"]):
        writer.upsert(TENANT, "notes", [item("1")])
        fetched.clear()
        store.search(TENANT, "notes", (1.0, 0.0), 1)
        assert fetched == expected
    fetched.clear()
    store.search(TENANT, "notes", (1.0, 0.0), 1)
    assert fetched == ["manifest.json"]


def test_what_a_warm_store_keeps_is_bounded(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store = on(s3)
    for n in range(6):
        store.upsert(TENANT, f"n{n}", [item("1")])
    monkeypatch.setattr(vectors, "_CACHE_BYTES", 250)
    for n in range(6):
        store.search(TENANT, f"n{n}", (1.0, 0.0), 1)
    assert sum(one.size for one in store._loaded.values()) <= 250


def test_a_full_namespace_says_what_to_do(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "MAX_NAMESPACE_BYTES", 100)
    store = on(s3)
    store.upsert(TENANT, "notes", [item("1")])
    with pytest.raises(NamespaceFull, match="several namespaces"):
        store.upsert(TENANT, "notes", [item("2")])
    assert ids(s3) == ["1"]
