"""Files in the bucket, their records in the table.

A file lies at ``t/<tenant>/files/<key>``, its record at ``T#<tenant>``, ``FILE#<key>``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from smyth.aws.bucket import Bucket
from smyth.aws.table import ConditionFailed, Table, key, put_new, update
from smyth.connectors.storage.port import Upload
from smyth.platform.files import File
from smyth.platform.times import rfc3339

_UPLOAD_SECONDS = 15 * 60
_DOWNLOAD_SECONDS = 60 * 60


def object_key(tenant_id: str, file_key: str) -> str:
    """Return where a file lies in the bucket."""
    return f"t/{tenant_id}/files/{file_key}"


def parse_object_key(found: str) -> tuple[str, str] | None:
    """Return tenant and key of a file's place in the bucket, or None where something else lies."""
    match found.split("/"):
        case ["t", tenant_id, "files", file_key] if tenant_id and file_key:
            return tenant_id, file_key
    return None


class BucketFiles:
    """A :class:`~smyth.connectors.storage.port.FileStore` in the bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def put(self, tenant_id: str, key: str, content: bytes, content_type: str) -> str:
        """See :meth:`smyth.connectors.storage.port.FileStore.put`."""
        answer = self._bucket.client.put_object(
            Bucket=self._bucket.name, Key=object_key(tenant_id, key), Body=content, ContentType=content_type
        )
        return answer["ETag"].strip('"')

    def get(self, tenant_id: str, key: str) -> bytes | None:
        """See :meth:`smyth.connectors.storage.port.FileStore.get`."""
        return self._bucket.get(object_key(tenant_id, key))

    def download_url(self, tenant_id: str, key: str, name: str) -> str:
        """See :meth:`smyth.connectors.storage.port.FileStore.download_url`."""
        return self._bucket.download_url(object_key(tenant_id, key), name, seconds=_DOWNLOAD_SECONDS)

    def upload(self, tenant_id: str, key: str, size: int, content_type: str) -> Upload:
        """See :meth:`smyth.connectors.storage.port.FileStore.upload`."""
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


class DynamoFiles:
    """A :class:`~smyth.platform.files.FileRecords` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, tenant_id: str, file: File, expires_at: datetime) -> None:
        """See :meth:`smyth.platform.files.FileRecords.add`."""
        item = file.model_dump(mode="json") | {"created_at": rfc3339(file.created_at)}
        item |= _place(tenant_id, file.key) | {"expires_at": int(expires_at.timestamp())}
        with suppress(ConditionFailed):  # An earlier try of the same request had come through.
            self._table.write(put_new(item))

    def get(self, tenant_id: str, key: str) -> File | None:
        """See :meth:`smyth.platform.files.FileRecords.get`."""
        place = _place(tenant_id, key)
        item = self._table.get(place["pk"], place["sk"])
        return File.model_validate(item) if item else None

    def oldest_first(self, tenant_id: str, after: str = "") -> Iterator[File]:
        """See :meth:`smyth.platform.files.FileRecords.oldest_first`."""
        items = self._table.query(f"T#{tenant_id}", prefix="FILE#", after=f"FILE#{after}" if after else "")
        return (File.model_validate(item) for item in items)

    def complete(self, tenant_id: str, key: str, *, size: int, etag: str, at: datetime, sequencer: str) -> bool:
        """See :meth:`smyth.platform.files.FileRecords.complete`."""
        values = {
            "status": "stored",
            "size": size,
            "etag": etag,
            "stored_at": rfc3339(at),
            "sequencer": sequencer,
        }
        sets = ", ".join(f"#{name} = :{name}" for name in values)
        try:
            self._table.write(
                update(
                    _place(tenant_id, key),
                    f"SET {sets} REMOVE #expires_at",
                    values,
                    condition="attribute_exists(#pk) AND (attribute_not_exists(#sequencer) OR #sequencer < :sequencer)",
                )
            )
        except ConditionFailed:
            return False
        return True


def _place(tenant_id: str, file_key: str) -> dict[str, str]:
    return key(f"T#{tenant_id}", f"FILE#{file_key}")
