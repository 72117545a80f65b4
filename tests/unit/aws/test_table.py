"""Items in and out of the table, in one thread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError, NoCredentialsError
from moto import mock_aws

from smyth.aws.clients import make_client
from smyth.aws.table import ConditionFailed, Table, delete, key, put, put_new, update
from tests.unit import aws_clients


@pytest.fixture
def table() -> Iterator[Table]:
    with mock_aws():
        client = aws_clients.dynamodb()
        client.create_table(
            TableName="t",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )
        yield Table("t", client)


VALUES: dict[str, Any] = {"n": 3, "s": "", "b": b"\x00\xff", "y": True, "l": [1, {"m": None}], "empty": {}}


def test_values_come_back_as_they_went_in_with_the_schemas_version(table: Table) -> None:
    table.write(put_new(key("p", "1") | VALUES | {"none": None}))
    assert table.get("p", "1") == key("p", "1") | VALUES | {"v": 1}


def test_a_new_item_does_not_replace_one(table: Table) -> None:
    table.write(put_new(key("p", "1") | {"n": 1}))
    with pytest.raises(ConditionFailed) as failed:
        table.write(put_new(key("p", "1") | {"n": 2}))
    assert failed.value.item["n"] == 1


def test_a_transaction_is_done_whole_or_not_at_all(table: Table) -> None:
    table.write(put(key("p", "1")))
    with pytest.raises(ConditionFailed) as failed:
        table.transact([update(key("p", "2"), "SET #n = :n", {"n": 1}), put_new(key("p", "1"))])
    assert failed.value.index == 1
    assert table.get("p", "2") is None


def test_an_update_writes_the_newest_version_and_may_return_the_item(table: Table) -> None:
    table.write(put(key("p", "1") | {"v": 0, "n": 1}))
    assert table.write(update(key("p", "1"), "SET #n = :n", {"n": 2}), returning=True)["v"] == 1


def test_a_partition_is_read_in_order_from_a_place_on(table: Table) -> None:
    for number in range(250):
        table.write(put(key("p", f"A#{number:03d}")))
    table.write(put(key("p", "B#0")))
    forward = [item["sk"] for item in table.query("p", prefix="A#", page_size=100)]
    assert forward == [f"A#{number:03d}" for number in range(250)]
    back = [item["sk"] for item in table.query("p", prefix="A#", newest_first=True, after="A#003")]
    assert back == ["A#002", "A#001", "A#000"]
    found = table.get_many([key("p", name) for name in (*forward[::-1], "missing")])
    assert [item["sk"] for item in found] == forward[::-1]
    table.delete_many([key("p", name) for name in forward])
    assert [item["sk"] for item in table.query("p")] == ["B#0"]


def test_a_condition_may_forbid_a_deletion(table: Table) -> None:
    table.write(put(key("p", "1") | {"n": 1}))
    with pytest.raises(ConditionFailed):
        table.write(delete(key("p", "1"), condition="#n = :n", values={"n": 2}))
    table.write(delete(key("p", "1"), condition="#n = :n", values={"n": 1}))
    assert table.get("p", "1") is None


def test_a_rehearsal_asks_nobody_and_calls_are_real_once_it_is_over() -> None:
    nowhere = Config(connect_timeout=1, retries={"total_max_attempts": 1})
    client = make_client("dynamodb", nowhere, endpoint_url="http://127.0.0.1:9", region_name="us-east-1")
    table = Table("t", client)
    table.prepare()
    with pytest.raises((EndpointConnectionError, NoCredentialsError)):
        table.get("p", "1")
