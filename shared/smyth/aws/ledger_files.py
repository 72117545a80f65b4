"""The ledger's files in the bucket, under ``ledger/``; two writers of one file never lose each other's entries."""

from __future__ import annotations

from typing import Any

from smyth.aws.bucket import Bucket

_PREFIX = "ledger/"
#: Somebody else wrote first, or is writing.
_LOST = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"}


class BucketLedgerFiles:
    """A :class:`~smyth.platform.ledger_export.LedgerFiles` in the bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def read(self, name: str) -> tuple[bytes, str] | None:
        """See :meth:`smyth.platform.ledger_export.LedgerFiles.read`."""
        client = self._bucket.client
        try:
            found = client.get_object(Bucket=self._bucket.name, Key=_PREFIX + name)
        except client.exceptions.NoSuchKey:
            return None
        return found["Body"].read(), found["ETag"]

    def write(self, name: str, content: bytes, seen: str | None) -> bool:
        """See :meth:`smyth.platform.ledger_export.LedgerFiles.write`."""
        from botocore.exceptions import ClientError

        condition: dict[str, Any] = {"IfNoneMatch": "*"} if seen is None else {"IfMatch": seen}
        try:
            self._bucket.client.put_object(
                Bucket=self._bucket.name,
                Key=_PREFIX + name,
                Body=content,
                # No content encoding: readers shall get the file as it is, packed.
                ContentType="application/gzip",
                **condition,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in _LOST:
                raise
            return False
        return True
