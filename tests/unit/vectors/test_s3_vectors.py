"""What Amazon S3 Vectors asks of its adapter, beside the contract of all vector stores."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from smyth.aws.s3_vectors import S3Vectors
from smyth.connectors.vectors.port import (
    DimensionMismatch,
    ItemTooLarge,
    NamespaceFull,
    NotReady,
    Stats,
    TooManyWriters,
    VectorItem,
)
from tests.peers.s3_vectors_server import S3VectorsServer
from tests.unit import aws_clients

from .conftest import BUCKET

TENANT = "ten-01kaqvx3t7m9c2d4e6f8g0h1j2"
LONGEST_NAMESPACE = "n" * 80


@pytest.fixture
def store(s3_vectors_store: S3Vectors) -> S3Vectors:
    return s3_vectors_store


@pytest.fixture
def moto_store() -> Iterator[S3Vectors]:
    with mock_aws():
        client = aws_clients.s3vectors()
        client.create_vector_bucket(vectorBucketName=BUCKET)
        yield S3Vectors(BUCKET, client)


def items(count: int, dimensions: int = 2, **metadata: Any) -> list[VectorItem]:
    return [
        VectorItem(f"{n:04}", tuple(math.cos(n + at) for at in range(dimensions)), f"text {n}", metadata)
        for n in range(count)
    ]


def calls(server: S3VectorsServer, operation: str) -> int:
    return sum(asked.path == f"/{operation}" for asked in server.asked)


def test_what_moto_knows_of_the_service_does_the_same(moto_store: S3Vectors) -> None:
    assert moto_store.upsert(TENANT, LONGEST_NAMESPACE, items(3, source="a")) == 3
    assert moto_store.stats(TENANT, LONGEST_NAMESPACE) == Stats(3, 2)
    assert moto_store.namespaces(TENANT) == [LONGEST_NAMESPACE]
    with pytest.raises(DimensionMismatch):
        moto_store.upsert(TENANT, LONGEST_NAMESPACE, items(1, dimensions=3))
    assert moto_store.replace(TENANT, LONGEST_NAMESPACE, {"source": "a"}, items(1, source="a")) == 3
    assert moto_store.delete_items(TENANT, LONGEST_NAMESPACE, ["0001"]) == 0
    assert moto_store.delete_items(TENANT, LONGEST_NAMESPACE, ["0000"]) == 1
    assert moto_store.delete_where(TENANT, LONGEST_NAMESPACE, {"source": "a"}) == 0
    moto_store.upsert(TENANT, LONGEST_NAMESPACE, items(2))
    assert moto_store.delete(TENANT, LONGEST_NAMESPACE) == 2
    assert not moto_store.exists(TENANT, LONGEST_NAMESPACE)


def test_many_items_are_written_found_counted_and_deleted_in_calls_of_the_size_allowed(
    store: S3Vectors, s3_vectors: S3VectorsServer
) -> None:
    assert store.upsert(TENANT, "notes", items(520, source="a")) == 520
    assert calls(s3_vectors, "PutVectors") == 2
    found = store.search(TENANT, "notes", (1.0, 0.0), 520, {"source": "a"})
    assert len({hit.id for hit in found}) == 520
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    assert store.stats(TENANT, "notes") == Stats(520, 2)
    assert store.delete_where(TENANT, "notes", {"source": "a"}) == 520
    assert calls(s3_vectors, "DeleteVectors") == 2
    assert store.stats(TENANT, "notes") == Stats(0, 2)


def test_large_items_go_in_several_calls(store: S3Vectors, s3_vectors: S3VectorsServer) -> None:
    large = [VectorItem(str(n), (1.0, float(n)), "x" * 39_000) for n in range(500)]
    assert store.upsert(TENANT, "notes", large) == 500
    assert calls(s3_vectors, "PutVectors") == 2


@pytest.mark.parametrize(
    "item",
    [
        VectorItem("big", (1.0, 0.0), "x" * 40_000),
        VectorItem("big", (1.0, 0.0), "ü" * 20_000),
        VectorItem("big", (1.0, 0.0), None, {f"m{n}": str(n) for n in range(50)}),
        VectorItem("big", (1.0, 0.0), None, {f"{n:02}" * 20: "x" * 40 for n in range(30)}),
    ],
)
def test_an_item_that_is_too_large_is_refused_by_name_and_nothing_written(store: S3Vectors, item: VectorItem) -> None:
    with pytest.raises(ItemTooLarge, match='The item "big" is too large for S3 Vectors'):
        store.upsert(TENANT, "notes", [*items(2), item])
    assert not store.exists(TENANT, "notes")


def test_long_values_and_names_are_filtered_all_the_same(store: S3Vectors) -> None:
    name, value = "n" * 500, "x" * 5_000
    store.upsert(TENANT, "notes", [VectorItem("1", (1.0, 0.0), None, {name: value, "long": 7})])
    assert [hit.metadata for hit in store.search(TENANT, "notes", (1, 0), 5, {name: value})] == [
        {name: value, "long": 7}
    ]
    assert store.search(TENANT, "notes", (1, 0), 5, {name: value + "y"}) == []
    assert store.search(TENANT, "notes", (1, 0), 5, {name: {"$ne": value}}) == []


def test_what_was_throttled_is_tried_again(store: S3Vectors, s3_vectors: S3VectorsServer) -> None:
    s3_vectors.faults = [("TooManyRequestsException", 429)]
    assert store.upsert(TENANT, "notes", items(1)) == 1


def test_throttling_that_lasts_asks_for_another_try_later(store: S3Vectors, s3_vectors: S3VectorsServer) -> None:
    s3_vectors.faults = [("ServiceUnavailableException", 503)] * 9
    with pytest.raises(NotReady, match="Try again") as told:
        store.search(TENANT, "notes", (1.0, 0.0), 5)
    assert told.value.retry_after_s == 2


def test_a_bucket_full_of_namespaces_says_so(store: S3Vectors, s3_vectors: S3VectorsServer) -> None:
    s3_vectors.faults = [("NotFoundException", 404), ("ServiceQuotaExceededException", 402)]
    with pytest.raises(NamespaceFull, match=r"10,000 namespaces. Delete some"):
        store.upsert(TENANT, "notes", items(1))


def test_a_namespace_that_another_writer_made_meanwhile_is_written_to(
    store: S3Vectors, s3_vectors: S3VectorsServer
) -> None:
    store.upsert(TENANT, "notes", [VectorItem("theirs", (1.0, 0.0))])
    s3_vectors.faults = [("NotFoundException", 404)]  # As GetIndex said before the other writer came.
    store.upsert(TENANT, "notes", [VectorItem("ours", (1.0, 0.0))])
    assert [hit.id for hit in store.search(TENANT, "notes", (1.0, 0.0), 5)] == ["ours", "theirs"]
    s3_vectors.faults = [("NotFoundException", 404)]
    with pytest.raises(DimensionMismatch):
        store.upsert(TENANT, "notes", [VectorItem("longer", (1.0, 0.0, 0.0))])


def test_a_namespace_deleted_while_it_is_written_to_asks_for_another_try(
    store: S3Vectors, s3_vectors: S3VectorsServer
) -> None:
    s3_vectors.faults = [("NotFoundException", 404), ("ConflictException", 409), ("NotFoundException", 404)]
    with pytest.raises(TooManyWriters, match="was deleted while it was written to"):
        store.upsert(TENANT, "notes", items(1))


def test_a_replacement_that_was_cut_off_is_whole_once_it_is_done_again(
    store: S3Vectors, s3_vectors: S3VectorsServer
) -> None:
    store.upsert(TENANT, "notes", items(3, source="a"))
    new = [VectorItem("new", (1.0, 0.0), "new", {"source": "a"})]
    s3_vectors.faults = [None, None, None, ("AccessDeniedException", 403)]  # The new one came, the old ones did not go.
    with pytest.raises(ClientError, match="DeleteVectors"):
        store.replace(TENANT, "notes", {"source": "a"}, new)
    assert len(store.search(TENANT, "notes", (1.0, 0.0), 10)) == 4
    store.replace(TENANT, "notes", {"source": "a"}, new)
    assert [hit.id for hit in store.search(TENANT, "notes", (1.0, 0.0), 10)] == ["new"]
