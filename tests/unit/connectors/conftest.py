from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from moto import mock_aws

from smyth.aws.bucket import Bucket
from smyth.aws.table import Table
from tests.unit import aws_clients


@dataclass
class Clock:
    """A time that tests move."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Cloud:
    """A table and a bucket."""

    table: Table
    bucket: Bucket


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with mock_aws():
        s3 = aws_clients.s3()
        s3.create_bucket(Bucket="files-test")
        dynamodb = aws_clients.dynamodb()
        dynamodb.create_table(
            TableName="t",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )
        yield Cloud(Table("t", dynamodb), Bucket("files-test", s3))
