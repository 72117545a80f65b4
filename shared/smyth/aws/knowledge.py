"""Documents that agents know: records in the table, contents in the bucket, messages in a queue.

=========  ====================  =================
item       partition             sort key
=========  ====================  =================
document   ``T#<tenant>#KNOW``   ``<document id>``
=========  ====================  =================

A content lies at ``t/<tenant>/knowledge/<folder>/<path>``; what the worker keeps in between, until it is done or for
a week, at ``t/<tenant>/knowledge-work/<document id>/``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from smyth.aws.bucket import Bucket
from smyth.aws.clients import client
from smyth.aws.table import ConditionFailed, Item, Table, delete, key, put, put_new
from smyth.connectors.storage.port import Upload
from smyth.platform.errors import Busy
from smyth.platform.knowledge_records import Content, KnownDocument, Task

_UPLOAD_SECONDS = 15 * 60
_EXPIRES = {"expires-days": "7"}
_GONE = {"404", "NoSuchKey", "NotFound", "412", "PreconditionFailed"}
#: SQS delays a message no longer.
_MAX_DELAY_S = 900


def object_key(tenant_id: str, document_key: str) -> str:
    """Return where a document's content lies in the bucket."""
    return f"t/{tenant_id}/knowledge/{document_key}"


def parse_object_key(found: str) -> tuple[str, str] | None:
    """Return tenant and key of a content's place in the bucket, or None where something else lies."""
    match found.split("/", 3):
        case ["t", tenant_id, "knowledge", document_key] if tenant_id and document_key:
            return tenant_id, document_key
    return None


class DynamoKnowledge:
    """A :class:`~smyth.platform.knowledge_records.KnowledgeRecords` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, tenant_id: str, document_id: str) -> KnownDocument | None:
        """See :meth:`smyth.platform.knowledge_records.KnowledgeRecords.get`."""
        item = self._table.get(_partition(tenant_id), document_id)
        return KnownDocument.model_validate(item) if item else None

    def by_id(self, tenant_id: str, after: str = "") -> Iterator[KnownDocument]:
        """See :meth:`smyth.platform.knowledge_records.KnowledgeRecords.by_id`."""
        return map(KnownDocument.model_validate, self._table.query(_partition(tenant_id), after=after))

    def save(self, tenant_id: str, record: KnownDocument) -> bool:
        """See :meth:`smyth.platform.knowledge_records.KnowledgeRecords.save`."""
        item = _at(tenant_id, record) | record.model_dump(mode="json", exclude_none=True)
        write = put_new(item)
        if record.revision > 1:
            write = put(item, condition="#revision = :seen", values={"seen": record.revision - 1})
        try:
            self._table.write(write)
        except ConditionFailed as failed:
            # A retry may meet our own write, whose answer was lost.
            return failed.item == {"v": write.item["v"]} | item
        return True

    def remove(self, tenant_id: str, record: KnownDocument) -> bool:
        """See :meth:`smyth.platform.knowledge_records.KnowledgeRecords.remove`."""
        condition = "attribute_not_exists(#pk) OR #revision = :seen"
        try:
            self._table.write(delete(_at(tenant_id, record), condition=condition, values={"seen": record.revision}))
        except ConditionFailed:
            return False
        return True


class BucketContents:
    """A :class:`~smyth.platform.knowledge_records.Contents` in the bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def find(self, tenant_id: str, key: str) -> Content | None:
        """See :meth:`smyth.platform.knowledge_records.Contents.find`."""
        try:
            head = self._bucket.client.head_object(Bucket=self._bucket.name, Key=object_key(tenant_id, key))
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return None
            raise
        return Content(_bare(head["ETag"]), head["ContentLength"], head.get("ContentType", ""))

    def read(self, tenant_id: str, key: str, etag: str) -> bytes | None:
        """See :meth:`smyth.platform.knowledge_records.Contents.read`."""
        try:
            found = self._bucket.client.get_object(Bucket=self._bucket.name, Key=object_key(tenant_id, key))
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return None
            raise
        return found["Body"].read() if _bare(found["ETag"]) == etag else None

    def put(self, tenant_id: str, key: str, content: bytes, content_type: str) -> Content:
        """See :meth:`smyth.platform.knowledge_records.Contents.put`."""
        answer = self._bucket.client.put_object(
            Bucket=self._bucket.name, Key=object_key(tenant_id, key), Body=content, ContentType=content_type
        )
        return Content(_bare(answer["ETag"]), len(content), content_type)

    def copy_file(self, tenant_id: str, file_key: str, key: str, content_type: str) -> Content | None:
        """See :meth:`smyth.platform.knowledge_records.Contents.copy_file`."""
        try:
            self._bucket.client.copy_object(
                Bucket=self._bucket.name,
                Key=object_key(tenant_id, key),
                CopySource={"Bucket": self._bucket.name, "Key": f"t/{tenant_id}/files/{file_key}"},
                ContentType=content_type,
                MetadataDirective="REPLACE",
                # The file's own tags may tell when it is to go; the document stays.
                TaggingDirective="REPLACE",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise
            return None
        return self.find(tenant_id, key)

    def upload(self, tenant_id: str, key: str, size: int, content_type: str) -> Upload:
        """See :meth:`smyth.platform.knowledge_records.Contents.upload`."""
        url = self._bucket.client.generate_presigned_url(
            "put_object",
            # Type and size are signed, so S3 refuses others; every client sends the size by itself.
            Params={
                "Bucket": self._bucket.name,
                "Key": object_key(tenant_id, key),
                "ContentType": content_type,
                "ContentLength": size,
            },
            ExpiresIn=_UPLOAD_SECONDS,
        )
        return Upload(url, "PUT", {"content-type": content_type})

    def delete(self, tenant_id: str, key: str) -> None:
        """See :meth:`smyth.platform.knowledge_records.Contents.delete`."""
        self._bucket.delete(object_key(tenant_id, key))

    def kept(self, tenant_id: str, document_id: str, name: str) -> bytes | None:
        """See :meth:`smyth.platform.knowledge_records.Contents.kept`."""
        return self._bucket.get(_work(tenant_id, document_id) + name)

    def keep(self, tenant_id: str, document_id: str, name: str, data: bytes) -> None:
        """See :meth:`smyth.platform.knowledge_records.Contents.keep`."""
        self._bucket.put(_work(tenant_id, document_id) + name, data, tags=_EXPIRES)

    def clear(self, tenant_id: str, document_id: str) -> None:
        """See :meth:`smyth.platform.knowledge_records.Contents.clear`."""
        self._bucket.delete(*self._bucket.keys(_work(tenant_id, document_id)))


class SqsTasks:
    """A :class:`~smyth.platform.knowledge_records.TaskQueue` in SQS."""

    def __init__(self, queue_url: str) -> None:
        self._queue_url = queue_url

    def send(self, task: Task, delay_s: int = 0) -> None:
        """See :meth:`smyth.platform.knowledge_records.TaskQueue.send`."""
        try:
            client("sqs").send_message(
                QueueUrl=self._queue_url,
                MessageBody=json.dumps(task.as_json()),
                DelaySeconds=min(max(0, delay_s), _MAX_DELAY_S),
            )
        except (BotoCoreError, ClientError) as error:
            raise Busy("The queue of documents did not take it. Send it again.", retry_after_s=1) from error


def _partition(tenant_id: str) -> str:
    return f"T#{tenant_id}#KNOW"


def _at(tenant_id: str, record: KnownDocument) -> Item:
    return key(_partition(tenant_id), record.id)


def _work(tenant_id: str, document_id: str) -> str:
    return f"t/{tenant_id}/knowledge-work/{document_id}/"


def _bare(etag: str) -> str:
    return etag.strip('"')
