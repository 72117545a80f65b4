"""Where boto3 clients come from: lazily, one per service and endpoint."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.config import Config


def data_config(read_timeout_s: float, **further: Any) -> Config:
    """The config of a client on the request path: gives up early, tries again, and serves many threads."""
    from botocore.config import Config

    return Config(
        connect_timeout=2,
        read_timeout=read_timeout_s,
        retries={"mode": "standard", "total_max_attempts": 4},
        max_pool_connections=50,
        **further,
    )


@cache
def client(service: str, endpoint_url: str | None = None) -> Any:
    """A client of an AWS service.

    Args:
        service: boto3's name of the service, such as ``"dynamodb"``.
        endpoint_url: The laptop cloud's address; ``None`` leaves it to the environment, as in Lambda.
    """
    import boto3
    from botocore.config import Config

    config = Config(retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=3, read_timeout=30)
    if endpoint_url is None:
        return boto3.client(service, config=config)  # type: ignore[call-overload]
    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="000000000000",
        aws_secret_access_key="laptop",  # noqa: S106 - the emulator takes any secret
        config=config,
    )
