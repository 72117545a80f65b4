"""Where boto3 clients come from: lazily, and with definitions of AWS's services that a process reads only once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from botocore.config import Config
    from botocore.credentials import Credentials
    from botocore.loaders import Loader


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


def make_client(service: str, config: Config, **further: Any) -> Any:
    """Make a client, in a session of its own: boto3's own session must not be shared by threads.

    Args:
        service: boto3's name of the service, such as ``"dynamodb"``.
        config: Its patience.
        further: What else boto3 takes, such as ``endpoint_url``.
    """
    import boto3.session
    import botocore.session

    session = botocore.session.get_session()
    session.register_component("data_loader", _loader())
    session.register_component("credential_provider", _Late(session.get_component("credential_provider")))
    return boto3.session.Session(botocore_session=session).client(service, config=config, **further)  # type: ignore[call-overload]


@cache
def client(service: str, endpoint_url: str | None = None) -> Any:
    """A client of an AWS service, one per service and endpoint.

    Args:
        service: boto3's name of the service, such as ``"dynamodb"``.
        endpoint_url: The laptop cloud's address; ``None`` leaves it to the environment, as in Lambda.
    """
    from botocore.config import Config

    config = Config(retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=3, read_timeout=30)
    if endpoint_url is None:
        return make_client(service, config)
    return make_client(
        service,
        config,
        endpoint_url=endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="000000000000",
        aws_secret_access_key="laptop",  # noqa: S106 - the emulator takes any secret
    )


@contextmanager
def rehearsing(client: Any, body: bytes = b"{}") -> Iterator[None]:
    """Have calls of ``client`` answered with ``body`` instead of by AWS, unsigned: what they need loaded is then there.

    Not for clients that other threads use meanwhile.
    """
    from botocore import UNSIGNED
    from botocore.awsrequest import AWSResponse, HeadersDict

    def unsigned(**_: Any) -> Any:
        return UNSIGNED

    def answered(request: Any, **_: Any) -> Any:
        return AWSResponse(request.url, 200, cast("Any", HeadersDict()), _Body(body))

    events = client.meta.events
    events.register_first("choose-signer", unsigned)
    events.register_first("before-send", answered)
    try:
        yield
    finally:
        events.unregister("choose-signer", unsigned)
        events.unregister("before-send", answered)


class _Body(BytesIO):
    """As much of urllib3's response as botocore reads."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


class _Late:
    """Puts the search for credentials off until a request is signed, so that clients in a snapshot hold none."""

    def __init__(self, chain: Any) -> None:
        self._chain = chain

    def load_credentials(self) -> Credentials:
        """See botocore's ``CredentialResolver``."""
        from botocore.credentials import Credentials
        from botocore.exceptions import NoCredentialsError

        chain = self._chain

        class LateCredentials(Credentials):
            method = "late"

            def __init__(self) -> None:
                pass

            @cached_property
            def found(self) -> Any:
                found = chain.load_credentials()
                if found is None:
                    raise NoCredentialsError
                return found

            def get_frozen_credentials(self) -> Any:
                return self.found.get_frozen_credentials()

            def get_deferred_property(self, property_name: str) -> Any:
                return lambda: None  # The account's number; without it addresses are those that all accounts have.

        return LateCredentials()


@cache
def _loader() -> Loader:
    from botocore.loaders import create_loader

    return create_loader()
