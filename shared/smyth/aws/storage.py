"""Objects of tenants in the bucket, below ``t/<tenant>/``.

An object's metadata tells when its time is over, to the second; a tag tells a lifecycle rule of the bucket to delete
it some time after.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from smyth.aws.bucket import Bucket
from smyth.connectors.storage.port import ListedObject, ObjectInfo, StorageError, StoredObject, Upload, checked_key

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

#: The tag of the bucket's lifecycle rules, and the days after which they delete; see infra/storage.py.
EXPIRES_TAG = "expires-days"
EXPIRES_DAYS = (1, 3, 7, 14, 30, 91, 181, 366)
_DAY = 86_400
_ENDS = "expires-at"
_UPLOAD_SECONDS = 15 * 60
#: Parts are many, and each takes its time.
_PARTS_SECONDS = 12 * 60 * 60


class BucketStorage:
    """A :class:`~smyth.connectors.storage.port.DirectStorage` in the bucket."""

    def __init__(self, bucket: Bucket, tenant_id: str, *, clock: Callable[[], float] = time.time) -> None:
        self._bucket = bucket
        self._home = f"t/{checked_key(tenant_id)}/"
        self._clock = clock

    def object_key(self, key: str) -> str:
        """Return an object's key in the bucket."""
        return self._home + checked_key(key)

    def put(
        self,
        key: str,
        content: bytes,
        content_type: str,
        *,
        metadata: Mapping[str, str] | None = None,
        seconds: int | None = None,
    ) -> ObjectInfo:
        """See :meth:`smyth.connectors.storage.port.Storage.put`."""
        # S3 takes ASCII only.
        kept = {name: quote(value) for name, value in (metadata or {}).items()}
        ends: int | None = None
        more: Any = {}
        if seconds is not None:
            ends = int(self._clock()) + seconds
            kept[_ENDS] = str(ends)
            days = next((days for days in EXPIRES_DAYS if days * _DAY >= seconds), EXPIRES_DAYS[-1])
            more["Tagging"] = f"{EXPIRES_TAG}={days}"
        answer = self._bucket.client.put_object(
            **self._at(key), Body=content, ContentType=content_type, Metadata=kept, **more
        )
        return ObjectInfo(key, len(content), content_type, answer["ETag"].strip('"'), dict(metadata or {}), ends)

    def get(self, key: str, *, most: int | None = None) -> StoredObject | None:
        """See :meth:`smyth.connectors.storage.port.Storage.get`."""
        client = self._bucket.client
        try:
            found = client.get_object(**self._at(key))
        except client.exceptions.NoSuchKey:
            return None
        with found["Body"] as body:
            info = _info(key, found)
            if self._is_over(info):
                return None
            if most is not None and info.size > most:
                raise StorageError(f"The object has {info.size:,} bytes; up to {most:,} are read at once.")
            return StoredObject(info, body.read())

    def head(self, key: str) -> ObjectInfo | None:
        """See :meth:`smyth.connectors.storage.port.Storage.head`."""
        from botocore.exceptions import ClientError

        try:
            info = _info(key, self._bucket.client.head_object(**self._at(key)))
        except ClientError as error:
            if _code(error) != "404":
                raise
            return None
        return None if self._is_over(info) else info

    def start(self, key: str, size: int) -> bytes:
        """See :meth:`smyth.connectors.storage.port.Storage.start`."""
        from botocore.exceptions import ClientError

        try:
            found = self._bucket.client.get_object(**self._at(key), Range=f"bytes=0-{size - 1}")
        except ClientError as error:
            # No range of an empty object can be satisfied.
            if _code(error) not in ("NoSuchKey", "InvalidRange", "416"):
                raise
            return b""
        with found["Body"] as body:
            # Who does not know ranges answers with all of it.
            return body.read(size)

    def list_objects(self, prefix: str, *, after: str = "", limit: int = 100) -> list[ListedObject]:
        """See :meth:`smyth.connectors.storage.port.Storage.list_objects`."""
        answer = self._bucket.client.list_objects_v2(
            Bucket=self._bucket.name,
            Prefix=self._home + prefix,
            StartAfter=self._home + after if after else "",
            MaxKeys=limit,
        )
        start = len(self._home)
        return [ListedObject(entry["Key"][start:], entry["Size"]) for entry in answer.get("Contents", [])]

    def delete(self, key: str) -> None:
        """See :meth:`smyth.connectors.storage.port.Storage.delete`."""
        self._bucket.client.delete_object(**self._at(key))

    def download_url(self, key: str, name: str, *, seconds: int) -> str:
        """See :meth:`smyth.connectors.storage.port.Storage.download_url`."""
        return self._bucket.download_url(self.object_key(key), name, seconds=seconds)

    def upload(self, key: str, size: int, content_type: str) -> Upload:
        """See :meth:`smyth.connectors.storage.port.Uploads.upload`."""
        # Type and size are signed, so S3 refuses others; every client sends the size by itself.
        signed = {**self._at(key), "ContentType": content_type, "ContentLength": size}
        url = self._bucket.client.generate_presigned_url("put_object", Params=signed, ExpiresIn=_UPLOAD_SECONDS)
        return Upload(url, "PUT", {"content-type": content_type})

    def begin_parts(self, key: str, content_type: str) -> str:
        """See :meth:`smyth.connectors.storage.port.Uploads.begin_parts`."""
        return self._bucket.client.create_multipart_upload(**self._at(key), ContentType=content_type)["UploadId"]

    def part_uploads(self, key: str, upload_id: str, sizes: Sequence[int]) -> list[Upload]:
        """See :meth:`smyth.connectors.storage.port.Uploads.part_uploads`."""
        at, sign = self._at(key) | {"UploadId": upload_id}, self._bucket.client.generate_presigned_url
        signed = [{**at, "PartNumber": number, "ContentLength": size} for number, size in enumerate(sizes, 1)]
        return [Upload(sign("upload_part", Params=part, ExpiresIn=_PARTS_SECONDS), "PUT", {}) for part in signed]

    def sent_parts(self, key: str, upload_id: str) -> dict[int, int] | None:
        """See :meth:`smyth.connectors.storage.port.Uploads.sent_parts`."""
        parts = self._parts(key, upload_id)
        return None if parts is None else {part["PartNumber"]: part["Size"] for part in parts}

    def finish_parts(self, key: str, upload_id: str) -> None:
        """See :meth:`smyth.connectors.storage.port.Uploads.finish_parts`."""
        parts: Any = [
            {"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in self._parts(key, upload_id) or ()
        ]
        self._bucket.client.complete_multipart_upload(
            **self._at(key), UploadId=upload_id, MultipartUpload={"Parts": parts}
        )

    def abort_parts(self, key: str, upload_id: str) -> None:
        """See :meth:`smyth.connectors.storage.port.Uploads.abort_parts`."""
        from botocore.exceptions import ClientError

        try:
            self._bucket.client.abort_multipart_upload(**self._at(key), UploadId=upload_id)
        except ClientError as error:
            if _code(error) != "NoSuchUpload":
                raise

    def _parts(self, key: str, upload_id: str) -> list[Any] | None:
        from botocore.exceptions import ClientError

        pages = self._bucket.client.get_paginator("list_parts").paginate(**self._at(key), UploadId=upload_id)
        try:
            return [part for page in pages for part in page.get("Parts", [])]
        except ClientError as error:
            if _code(error) != "NoSuchUpload":
                raise
            return None

    def _at(self, key: str) -> Any:
        return {"Bucket": self._bucket.name, "Key": self.object_key(key)}

    def _is_over(self, info: ObjectInfo) -> bool:
        return info.ends is not None and info.ends <= self._clock()


def _info(key: str, found: Any) -> ObjectInfo:
    kept = {name: unquote(value) for name, value in found["Metadata"].items()}
    ends = kept.pop(_ENDS, None)
    etag = found["ETag"].strip('"')
    return ObjectInfo(key, found["ContentLength"], found["ContentType"], etag, kept, int(ends) if ends else None)


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]
