"""Documents of a fresh tenant, an embedding model that counts words, and the worker called as SQS does."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from smyth.aws.clients import client
from smyth.aws.table import key, put
from smyth.connectors.embeddings.port import Embedded
from smyth.connectors.models.allowance import Allowance
from smyth.connectors.models.port import ModelError, Usage
from smyth.http.services import services
from smyth.platform.entries import Entry
from smyth.platform.times import rfc3339, utc_now
from tests.integration.events import Context, LambdaContext, caller_context, handler

_DIMENSIONS = 64


class Words:
    """Embeds by counting words; each text costs its words in micro-USD."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.error: Exception | None = None

    @property
    def names(self) -> tuple[str, str]:
        """What the model is called."""
        return "words", "tests/words"

    def view(self, allowance: Allowance | None) -> Words:
        """The same for every request."""
        return self

    async def embed(self, texts: Sequence[str], *, team_id: str, dimensions: int | None = None) -> Embedded:
        """Count words."""
        if self.error is not None:
            raise self.error
        self.asked += texts
        words = [self.words(text) for text in texts]
        count = sum(map(len, words))
        return Embedded(tuple(map(_vector, words)), (Usage("words", input_tokens=count, cost_micro_usd=count),))

    @staticmethod
    def words(text: str) -> list[str]:
        """What a text is counted by."""
        return re.findall(r"\w+", text.lower())


def busy() -> ModelError:
    """What a provider's failure is told as."""
    return ModelError("The model is busy.")


def _vector(words: list[str]) -> tuple[float, ...]:
    vector = [0.0] * _DIMENSIONS
    for word in words:
        vector[zlib.crc32(word.encode()) % _DIMENSIONS] += 1
    return tuple(vector)


def tenant(**changes: Any) -> Context:
    """The owner of a tenant that is in the table, where the worker looks it up."""
    caller = caller_context()
    item = {
        "id": caller["tenant_id"],
        "name": "test",
        "plan": caller["plan"],
        "status": "active",
        "limits": {},
        "usage_identifier": "usage",
        "created_at": rfc3339(utc_now()),
        "revision": 1,
    }
    services().table.write(put(key(f"T#{caller['tenant_id']}", "META") | item | changes))
    return caller


def tell(caller: Context, name: str, kind: str = "Object Created") -> Any:
    """Tell of an object as S3 does."""
    new = {"key": f"t/{caller['tenant_id']}/knowledge/{name}", "sequencer": "0A"}
    new |= {} if kind == "Object Deleted" else {"size": 1, "etag": "e"}
    event = {"source": "aws.s3", "detail-type": kind, "detail": {"object": new}}
    return handler("object_created")(event, LambdaContext())


def drop(caller: Context, name: str, content: str | bytes | None) -> None:
    """Put a content into the tenant's knowledge, or take it away, past this service."""
    place = {"Bucket": os.environ["BUCKET_NAME"], "Key": f"t/{caller['tenant_id']}/knowledge/{name}"}
    if content is None:
        services().bucket.client.delete_object(**place)
    else:
        services().bucket.client.put_object(**place, Body=content, ContentType="application/octet-stream")
    tell(caller, name, "Object Deleted" if content is None else "Object Created")


class Patient(LambdaContext):
    """The worker's time: five minutes."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        """Time enough for every step."""
        return 300_000


def deliver(messages: Sequence[dict[str, Any]], *, deliveries: int | None = None) -> list[str]:
    """Call the worker with messages; return the ids of those that must come again."""
    records = []
    for message in messages:
        count = str(deliveries) if deliveries else message["Attributes"]["ApproximateReceiveCount"]
        attributes = {"ApproximateReceiveCount": count}
        records.append({"messageId": message["MessageId"], "body": message["Body"], "attributes": attributes})
    answer = handler("index_knowledge")({"Records": records}, Patient())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def take() -> list[dict[str, Any]]:
    """Take what waits in the queue, up to ten messages."""
    found = client("sqs").receive_message(
        QueueUrl=os.environ["KNOWLEDGE_QUEUE_URL"], MaxNumberOfMessages=10, AttributeNames=["ApproximateReceiveCount"]
    )
    for message in found.get("Messages", []):
        client("sqs").delete_message(QueueUrl=os.environ["KNOWLEDGE_QUEUE_URL"], ReceiptHandle=message["ReceiptHandle"])
    return list(found.get("Messages", []))


def work() -> list[str]:
    """Have all done that waits; return the ids of messages that must come again."""
    failed: list[str] = []
    while messages := take():
        failed += deliver(messages)
    return failed


def ledger(caller: Context) -> list[Entry]:
    """The tenant's entries of today and yesterday."""
    today = utc_now().date()
    days = (today - timedelta(days=1), today)
    return [entry for day in days for entry in services().meter.store.entries(caller["tenant_id"], day)]
