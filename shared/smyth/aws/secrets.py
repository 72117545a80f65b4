"""Secrets of the stack, read from Secrets Manager and kept for a minute."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING

from smyth.aws.clients import make_client

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

#: How long a replaced secret still counts.
_KEEP_SECONDS = 60.0


class StackSecret:
    """One secret."""

    def __init__(self, arn: str, client: SecretsManagerClient | None = None) -> None:
        self._arn = arn
        self._given = client
        self._value = ""
        self._until = 0.0

    @cached_property
    def _client(self) -> SecretsManagerClient:
        if self._given is not None:
            return self._given
        from botocore.config import Config

        config = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3})
        made: SecretsManagerClient = make_client("secretsmanager", config)
        return made

    def value(self) -> str:
        """Return the secret, at most a minute old."""
        if time.monotonic() >= self._until:
            self._value = self._client.get_secret_value(SecretId=self._arn)["SecretString"]
            self._until = time.monotonic() + _KEEP_SECONDS
        return self._value
