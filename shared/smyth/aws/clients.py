"""Where boto3 clients come from: lazily, and with definitions of AWS's services that a process reads only once."""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

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
                return lambda: getattr(self.found, property_name, None)

        return LateCredentials()


@cache
def _loader() -> Loader:
    from botocore.loaders import create_loader

    return create_loader()
