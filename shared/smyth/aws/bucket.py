"""The one bucket: whole objects by key."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from smyth.aws.clients import data_config, make_client, rehearsing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_READ_TIMEOUT_S = 10


class Bucket:
    """One bucket; its client is made at the first call."""

    def __init__(self, name: str, client: S3Client | None = None) -> None:
        self.name = name
        self._given = client

    @cached_property
    def client(self) -> S3Client:
        """The client that all calls go through."""
        if self._given is not None:
            return self._given
        config = data_config(
            _READ_TIMEOUT_S,
            # The emulator has no host name per bucket. In AWS "auto" would sign addresses of the global endpoint,
            # which redirects for buckets of other regions, and a signed upload does not survive a redirect.
            s3={"addressing_style": "path" if _on_emulator() else "virtual"},
            signature_version="s3v4",
        )
        made: S3Client = make_client("s3", config)
        return made

    def prepare(self) -> None:
        """Make the client and rehearse a call, where there is time for it before a request; nothing is sent."""
        with rehearsing(self.client, b""):
            self.client.get_object(Bucket=self.name, Key="rehearsal")

    def put(
        self,
        key: str,
        body: bytes,
        content_type: str = "application/octet-stream",
        *,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Write an object, whole or not at all; ``tags`` are what the bucket's lifecycle rules look at."""
        self.client.put_object(
            Bucket=self.name, Key=key, Body=body, ContentType=content_type, Tagging=urlencode(tags or {})
        )

    def get(self, key: str) -> bytes | None:
        """Return an object's content, or None where there is none."""
        try:
            return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        except self.client.exceptions.NoSuchKey:
            return None

    def download_url(self, key: str, name: str, *, seconds: int) -> str:
        """Return an address that gives an object to whoever has it, for ``seconds``, saved under ``name``."""
        # Always saved, never shown: a file may be a web page that somebody else made.
        disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
        return self.client.generate_presigned_url(
            "get_object",
            Params={"Bucket": self.name, "Key": key, "ResponseContentDisposition": disposition},
            ExpiresIn=seconds,
        )

    def keys(self, prefix: str) -> list[str]:
        """Return the keys that begin with ``prefix``."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def delete(self, *keys: str) -> None:
        """Delete objects; those that do not exist are no error."""
        for start in range(0, len(keys), 1_000):
            chunk = keys[start : start + 1_000]
            self.client.delete_objects(
                Bucket=self.name, Delete={"Objects": [{"Key": key} for key in chunk], "Quiet": True}
            )


def _on_emulator() -> bool:
    import os

    return bool(os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT_URL_S3"))
