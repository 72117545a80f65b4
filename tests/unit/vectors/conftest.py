from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from smyth.aws.bucket import Bucket
from smyth.aws.opensearch import OpenSearchVectors
from smyth.aws.opensearch_client import connect
from smyth.aws.s3_vectors import S3Vectors
from smyth.aws.vectors import BucketVectors
from smyth.connectors.vectors.memory import MemoryVectors
from tests.peers.opensearch_server import OpenSearchServer
from tests.peers.s3_vectors_server import S3VectorsServer
from tests.unit import aws_clients

BUCKET = "vectors-test"


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = aws_clients.s3()
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def memory_store() -> MemoryVectors:
    return MemoryVectors()


@pytest.fixture
def bucket_store(s3: Any) -> BucketVectors:
    return BucketVectors(Bucket(BUCKET, s3))


@pytest.fixture(scope="module")
def s3_vectors_server() -> Iterator[S3VectorsServer]:
    """Amazon S3 Vectors with short pages, so that each test of a few items turns them."""
    with S3VectorsServer(BUCKET, page=20) as server:
        yield server


@pytest.fixture(scope="module")
def s3_vectors_client(s3_vectors_server: S3VectorsServer) -> Any:
    return aws_clients.s3vectors(s3_vectors_server.url)


@pytest.fixture
def s3_vectors(s3_vectors_server: S3VectorsServer) -> S3VectorsServer:
    """The same, as nobody has used it."""
    s3_vectors_server.clear()
    return s3_vectors_server


@pytest.fixture
def s3_vectors_store(s3_vectors: S3VectorsServer, s3_vectors_client: Any) -> S3Vectors:
    return S3Vectors(BUCKET, s3_vectors_client)


@pytest.fixture(scope="module")
def opensearch_server() -> Iterator[OpenSearchServer]:
    """A collection of OpenSearch Serverless."""
    with OpenSearchServer("aoss") as server:
        yield server


@pytest.fixture(scope="module")
def opensearch_client(opensearch_server: OpenSearchServer) -> Any:
    return connect(opensearch_server.url, "aoss", aws_clients.session())


@pytest.fixture
def opensearch(opensearch_server: OpenSearchServer) -> OpenSearchServer:
    """The same, as nobody has used it."""
    opensearch_server.clear()
    return opensearch_server


@pytest.fixture
def opensearch_store(opensearch: OpenSearchServer, opensearch_client: Any) -> OpenSearchVectors:
    return OpenSearchVectors(opensearch.url, client=opensearch_client)
