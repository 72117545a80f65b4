"""Clients for moto's AWS. They are made once: making one reads megabytes of models, and moto does not mind who asks."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

#: Integration tests of the same process let the environment point to their emulator.
_HERE = Config(ignore_configured_endpoint_urls=True)


@cache
def s3() -> Any:
    """Return a client of S3; use it within ``mock_aws``."""
    return session().client("s3", config=_HERE.merge(Config(signature_version="s3v4")))


@cache
def dynamodb() -> Any:
    """Return a client of DynamoDB; use it within ``mock_aws``."""
    return session().client("dynamodb", config=_HERE)


@cache
def secretsmanager() -> Any:
    """Return a client of Secrets Manager; use it within ``mock_aws``."""
    return session().client("secretsmanager", config=_HERE)


def s3vectors(url: str | None = None) -> Any:
    """Return a client of S3 Vectors that speaks to ``url``; without one use it within ``mock_aws``."""
    return session().client("s3vectors", endpoint_url=url, config=_HERE.merge(Config(retries={"mode": "standard"})))


def session() -> boto3.session.Session:
    """Return a session with credentials that no service checks."""
    return boto3.session.Session("x", "x", region_name="us-east-1")
