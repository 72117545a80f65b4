"""Segments as a function reads them: small ones into memory, large ones into a file that is mapped into memory."""

from __future__ import annotations

import mmap
import tempfile
from typing import IO, TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from smyth.aws.bucket import Bucket

#: From this size on a segment lies in a file; the system may then take its memory back while nobody searches.
_LARGE = 8 * 1024 * 1024
_NOT_FOUND = "404"


class SegmentFiles:
    """Reads segments from the bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._s3 = bucket.client
        self._bucket = bucket.name

    def read(self, key: str, size: int) -> bytes | mmap.mmap:
        """Return a segment's bytes. A file has no name any more, so it goes with whoever reads it.

        Raises:
            NoSuchKey: There is no such segment.
        """
        if size < _LARGE:
            return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        with tempfile.TemporaryFile() as file:
            self._download(key, file)
            file.flush()
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def _download(self, key: str, file: IO[bytes]) -> None:
        """Fetch an object in parts, several at once."""
        try:
            self._s3.download_fileobj(self._bucket, key, file)
        except ClientError as error:
            if error.response["Error"]["Code"] != _NOT_FOUND:
                raise
            # Asking for the size first, S3 gives no name to the error; asking for the content, it does.
            self._s3.get_object(Bucket=self._bucket, Key=key)
            raise
