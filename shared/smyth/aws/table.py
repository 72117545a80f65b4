"""The one DynamoDB table: plain Python values in and out, and writes that survive retries.

A :class:`Write` says what to do; the table does one alone (:meth:`Table.write`)
or several as a whole (:meth:`Table.transact`). Expressions name attributes as
``#name`` and values as ``:name``; the real names are filled in here.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from itertools import count, islice
from typing import TYPE_CHECKING, Any, Literal, cast
from uuid import uuid4

from smyth.aws.clients import data_config, make_client, rehearsing
from smyth.platform.errors import Busy

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]

#: The schema that this version of the code writes; every item bears it as ``v``.
SCHEMA_VERSION = 1

#: A function answers within 29 seconds; no single call may eat them.
_READ_TIMEOUT_S = 4
_TRANSACTION_PATIENCE_S = 8.0
_BATCH_GET = 100
_BATCH_WRITE = 25

#: Why a transaction was cancelled by what it met in the moment, not by its conditions.
_PASSING = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
_RETRIED = {"TransactionInProgressException", "ThrottlingException", "ProvisionedThroughputExceededException"} | {
    "InternalServerError",
    "RequestLimitExceeded",
    "TransactionConflictException",  # A single write met a transaction on its item.
}


class ConditionFailed(Exception):
    """A write's condition did not hold; nothing was written.

    Attributes:
        index: Which write of a transaction it was.
        item: What was there instead; empty where there was nothing.
    """

    def __init__(self, item: Item, index: int = 0) -> None:
        super().__init__("a condition of the write did not hold")
        self.item = item
        self.index = index


@dataclass(frozen=True, slots=True)
class Write:
    """One put, update or delete, or the check of a condition."""

    action: Literal["Put", "Update", "Delete", "ConditionCheck"]
    #: The whole item of a put, else its key.
    item: Item
    update: str = ""
    condition: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


def key(pk: str, sk: str) -> Item:
    """Return an item's key."""
    return {"pk": pk, "sk": sk}


def put(item: Item, *, condition: str = "", values: Mapping[str, Any] | None = None) -> Write:
    """Write an item, replacing what is there."""
    return Write("Put", {"v": SCHEMA_VERSION} | item, condition=condition, values=values or {})


def put_new(item: Item) -> Write:
    """Write an item where there is none."""
    return put(item, condition="attribute_not_exists(#pk)")


def update(at: Item, expression: str, values: Mapping[str, Any], *, condition: str = "") -> Write:
    """Change an item's attributes; a missing item comes into being unless the condition forbids it."""
    if expression.startswith("SET "):
        expression = f"SET #v = :v, {expression[4:]}"
        values = {"v": SCHEMA_VERSION, **values}
    return Write("Update", at, expression, condition, values)


def delete(at: Item, *, condition: str = "", values: Mapping[str, Any] | None = None) -> Write:
    """Delete an item."""
    return Write("Delete", at, condition=condition, values=values or {})


class Table:
    """One table; its client is made at the first call."""

    def __init__(self, name: str, client: DynamoDBClient | None = None) -> None:
        self.name = name
        self._given = client

    @cached_property
    def client(self) -> DynamoDBClient:
        """The client that all calls go through."""
        if self._given is not None:
            return self._given
        made: DynamoDBClient = make_client("dynamodb", data_config(_READ_TIMEOUT_S))
        return made

    def prepare(self) -> None:
        """Make the client and rehearse calls, where there is time for it before a request; nothing is sent."""
        with rehearsing(self.client):
            self.get("rehearsal", "rehearsal")
            self.write(put_new(key("rehearsal", "rehearsal")))
            self.write(update(key("rehearsal", "rehearsal"), "SET #n = :n", {"n": 1}))
            self.transact([put_new(key("rehearsal", "rehearsal"))])
        with rehearsing(self.client, b'{"Items": []}'):
            list(self.query("rehearsal"))

    def get(self, pk: str, sk: str, *, consistent: bool = True) -> Item | None:
        """Return an item, as written last unless ``consistent`` is False."""
        answer = self.client.get_item(TableName=self.name, Key=_to_item(key(pk, sk)), ConsistentRead=consistent)
        return from_item(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Sequence[Item]) -> list[Item]:
        """Return those items that exist, in the order of ``keys``."""
        found: dict[tuple[str, str], Item] = {}
        for start in range(0, len(keys), _BATCH_GET):
            chunk = [_to_item(one) for one in keys[start : start + _BATCH_GET]]
            wanted: Any = {self.name: {"Keys": chunk, "ConsistentRead": True}}
            while wanted:
                answer = self.client.batch_get_item(RequestItems=wanted)
                for raw in answer["Responses"].get(self.name, []):
                    item = from_item(raw)
                    found[item["pk"], item["sk"]] = item
                wanted = answer.get("UnprocessedKeys")
        return [found[one["pk"], one["sk"]] for one in keys if (one["pk"], one["sk"]) in found]

    def follow(self, listed: Iterable[Item], to: Callable[[Item], Item]) -> Iterator[Item]:
        """Yield the items whose keys ``to`` finds in listed ones; those that are gone are left out."""
        listed = iter(listed)
        while chunk := list(islice(listed, _BATCH_GET)):
            yield from self.get_many([to(item) for item in chunk])

    def query(
        self,
        pk: str,
        *,
        prefix: str = "",
        newest_first: bool = False,
        after: str = "",
        page_size: int | None = None,
        consistent: bool = True,
        fields: str = "",
    ) -> Iterator[Item]:
        """Yield the items of a partition in the order of their sort keys, fetching as they are read.

        Args:
            pk: The partition.
            prefix: What the sort keys begin with.
            newest_first: Backwards.
            after: Begin behind this sort key.
            page_size: How many to fetch at once.
            consistent: Whether all writes so far must be seen.
            fields: Projection expression, to read less.
        """
        condition, values = "#pk = :pk", {"pk": pk}
        if prefix:
            condition += " AND begins_with(#sk, :prefix)"
            values["prefix"] = prefix
        request: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": condition,
            "ScanIndexForward": not newest_first,
            "ConsistentRead": consistent,
            **_expressions(values, condition, fields),
        }
        if fields:
            request["ProjectionExpression"] = fields
        if page_size:
            request["Limit"] = page_size
        if after:
            request["ExclusiveStartKey"] = _to_item(key(pk, after))
        yield from self._pages(request)

    def query_index(self, index: str, pk: str, *, before: str, limit: int) -> list[Item]:
        """Return the keys of up to ``limit`` items of a sparse index whose sort key is below ``before``."""
        condition = f"#{index}_pk = :pk AND #{index}_sk < :before"
        answer = self.client.query(
            TableName=self.name,
            IndexName=index,
            KeyConditionExpression=condition,
            Limit=limit,
            **_expressions({"pk": pk, "before": before}, condition),
        )
        return [from_item(raw) for raw in answer["Items"]]

    def scan(self, condition: str, values: Mapping[str, Any], *, after: Item | None) -> tuple[list[Item], Item | None]:
        """Return those items of one page of the whole table that meet a condition, and the key to go on behind.

        It reads, and costs, the whole page: for jobs of the operator, never for a request.
        """
        request: dict[str, Any] = {
            "TableName": self.name,
            "FilterExpression": condition,
            "ConsistentRead": True,
            **_expressions(values, condition),
        }
        if after:
            request["ExclusiveStartKey"] = _to_item(after)
        answer = self.client.scan(**request)
        last = answer.get("LastEvaluatedKey")
        return [from_item(raw) for raw in answer["Items"]], from_item(last) if last else None

    def _pages(self, request: dict[str, Any]) -> Iterator[Item]:
        while True:
            answer = self.client.query(**request)
            yield from (from_item(raw) for raw in answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def write(self, write: Write, *, returning: bool = False) -> Item:
        """Do one write; return the item as it is now when ``returning``.

        Raises:
            ConditionFailed: The condition did not hold. After a retry it may be our own write that is in the way;
                who cares looks at the error's ``item``.
            Busy: The table did not answer in time; whether the write was done is unknown.
        """
        from botocore.exceptions import ClientError, HTTPClientError

        request = _request(self.name, write)
        if returning:
            request["ReturnValues"] = "ALL_NEW"
        call: Any = {
            "Put": self.client.put_item,
            "Update": self.client.update_item,
            "Delete": self.client.delete_item,
        }[write.action]
        try:
            answer = call(**request)
        except HTTPClientError:
            raise _busy() from None
        except ClientError as error:
            if error.response["Error"]["Code"] in _RETRIED:
                raise _busy() from None
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            raise ConditionFailed(from_item(cast("dict[str, Any]", error.response.get("Item", {})))) from None
        return from_item(answer.get("Attributes", {}))

    def put_many(self, items: Sequence[Item]) -> None:
        """Write items one by one, not as a whole, each replacing what is there; no two may have the same key."""
        self._batches([{"PutRequest": {"Item": _to_item({"v": SCHEMA_VERSION} | item)}} for item in items])

    def delete_many(self, keys: Sequence[Item]) -> None:
        """Delete items one by one, not as a whole; those that do not exist are no error."""
        self._batches([{"DeleteRequest": {"Key": _to_item(one)}} for one in keys])

    def _batches(self, requests: Sequence[dict[str, Any]]) -> None:
        for start in range(0, len(requests), _BATCH_WRITE):
            wanted: Any = {self.name: requests[start : start + _BATCH_WRITE]}
            while wanted:
                wanted = self.client.batch_write_item(RequestItems=wanted).get("UnprocessedItems")

    def transact(self, writes: Sequence[Write]) -> None:
        """Do all writes or none.

        Conflicts, throttling and calls whose outcome is unknown are tried again with the same token, which lets
        DynamoDB recognise a transaction that it has done already.

        Args:
            writes: What to do, one write per item.

        Raises:
            ConditionFailed: A condition did not hold; nothing was written.
            Busy: It could not be done in time; nothing was written, or its outcome is unknown.
        """
        from botocore.exceptions import ClientError, HTTPClientError

        token = str(uuid4())
        items = [{write.action: _request(self.name, write)} for write in writes]
        deadline = time.monotonic() + _TRANSACTION_PATIENCE_S
        for attempt in count():
            try:
                self.client.transact_write_items(TransactItems=items, ClientRequestToken=token)  # type: ignore[arg-type]
                return
            except ClientError as error:
                _raise_unless_passing(error)
            except HTTPClientError:
                pass  # A time-out or a lost connection: the token makes asking again safe.
            if time.monotonic() > deadline:
                break
            time.sleep(random.uniform(0, min(0.4, 0.01 * 2 ** min(attempt, 6))))  # noqa: S311 - spreads callers, guards nothing
        raise _busy()


def _busy() -> Busy:
    return Busy(
        "The store is busy and did not take the request in time. Nothing was billed; try again.", retry_after_s=1
    )


def _raise_unless_passing(error: Any) -> None:
    """Return for what may succeed when tried again; raise for everything else."""
    if error.response["Error"]["Code"] in _RETRIED:
        return
    reasons = error.response.get("CancellationReasons")
    if not reasons:
        raise error
    for index, reason in enumerate(reasons):
        if reason.get("Code") == "ConditionalCheckFailed":
            raise ConditionFailed(from_item(reason.get("Item", {})), index) from None
    if not any(reason.get("Code") in _PASSING for reason in reasons):
        raise error


def _request(table: str, write: Write) -> dict[str, Any]:
    """Return ``write`` as the parameters of its call."""
    request: dict[str, Any] = {
        "TableName": table,
        "Item" if write.action == "Put" else "Key": _to_item(write.item),
        **_expressions(write.values, write.update, write.condition),
    }
    if write.update:
        request["UpdateExpression"] = write.update
    if write.condition:
        request["ConditionExpression"] = write.condition
        request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return request


def _expressions(values: Mapping[str, Any], *expressions: str) -> dict[str, Any]:
    """Return the names and values that the expressions use."""
    request: dict[str, Any] = {}
    names = set(re.findall(r"#(\w+)", " ".join(expressions)))
    if names:
        request["ExpressionAttributeNames"] = {f"#{name}": name for name in sorted(names)}
    if values:
        request["ExpressionAttributeValues"] = {f":{name}": _serialize(value) for name, value in values.items()}
    return request


def _serialize(value: Any) -> Any:
    from boto3.dynamodb.types import TypeSerializer

    return TypeSerializer().serialize(value)


def _to_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return plain values as DynamoDB has them; members that are None are left out."""
    return {name: _serialize(value) for name, value in item.items() if value is not None}


def from_item(raw: Mapping[str, Any]) -> Item:
    """Return what DynamoDB has as plain values."""
    from boto3.dynamodb.types import TypeDeserializer

    deserialize = TypeDeserializer().deserialize
    return {name: _plain(deserialize(value)) for name, value in raw.items()}


def _plain(value: Any) -> Any:
    """Return numbers as int, for we store no fractions, and binary values as bytes."""
    from boto3.dynamodb.types import Binary

    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, Binary):
        return cast("Any", value).value
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return value
