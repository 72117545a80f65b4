from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from tests.unit import aws_clients

BUCKET = "vectors-test"


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = aws_clients.s3()
        client.create_bucket(Bucket=BUCKET)
        yield client
