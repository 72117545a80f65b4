from __future__ import annotations

from collections.abc import Iterator
from threading import Lock

import pytest
from moto import mock_aws

from smyth.aws.table import Item, Table, Write
from smyth.aws.vault import SecretsVault
from tests.unit import aws_clients


class OneByOne(Table):
    """A table on moto, which looks at conditions and writes in two steps, as DynamoDB does not."""

    _lock = Lock()

    def write(self, write: Write, *, returning: bool = False) -> Item:
        """See :meth:`Table.write`."""
        with self._lock:
            return super().write(write, returning=returning)


@pytest.fixture
def table() -> Iterator[Table]:
    """An empty table, in an AWS where there is nothing else."""
    with mock_aws():
        client = aws_clients.dynamodb()
        client.create_table(
            TableName="t",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )
        yield OneByOne("t", client)


@pytest.fixture
def vault(table: Table) -> SecretsVault:
    """Where credentials are."""
    return SecretsVault(table, "smyth/test/credentials/", client=aws_clients.secretsmanager())
