"""The client of OpenSearch: signed, and patient while a collection wakes or is throttled."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from smyth.connectors.vectors.port import NotReady

if TYPE_CHECKING:
    from boto3.session import Session
    from opensearchpy import OpenSearch

T = TypeVar("T")
Service = Literal["aoss", "es"]

_TIMEOUT_S = 20
#: A throttled call is sent again for so long, also where nobody waits for a collection that wakes.
_THROTTLED_S = 4.0
#: A collection that sleeps is awake after 10 to 30 seconds.
_WAKES_IN_S = 15


def connect(endpoint: str, service: Service, session: Session | None = None) -> OpenSearch:
    """Return a client that sends each request once.

    Args:
        endpoint: The address of the collection or domain.
        service: What requests are signed for.
        session: Whose credentials they are signed with, where not with the function's.
    """
    import boto3.session
    from opensearchpy import OpenSearch, Urllib3AWSV4SignerAuth, Urllib3HttpConnection

    session = session or boto3.session.Session()
    signer = Urllib3AWSV4SignerAuth(session.get_credentials(), session.region_name or "us-east-1", service)
    return OpenSearch(
        hosts=[endpoint],
        http_auth=signer,
        connection_class=Urllib3HttpConnection,
        timeout=_TIMEOUT_S,
        max_retries=0,
        pool_maxsize=20,
    )


class Patience:
    """Sends a call again while the store is not ready for it."""

    def __init__(
        self,
        wait_s: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Make a patience.

        Args:
            wait_s: How long a call waits for a collection that wakes.
            clock: Tells seconds.
            sleep: Waits seconds.
        """
        self._wait_s = wait_s
        self._now = clock
        self._sleep = sleep

    def call(self, work: Callable[[], T]) -> T:
        """Return what ``work`` returns; it may be called several times.

        Raises:
            NotReady: The store was not ready all the time.
        """
        from opensearchpy.exceptions import TransportError

        began, pause = self._now(), 0.2
        while True:
            try:
                return work()
            except TransportError as error:
                kind = _kind(error)
                if kind is None:
                    raise
                waits = max(self._wait_s, _THROTTLED_S) if kind == "throttled" else self._wait_s
                if self._now() - began + pause > waits:
                    raise _not_ready(kind) from error
            self._sleep(pause)
            pause = min(2 * pause, 2.0)

    def until(self, done: Callable[[], bool], limit_s: float) -> bool:
        """Ask until it is done, for ``limit_s`` at most; return whether it is."""
        began, pause = self._now(), 0.1
        while not done():
            if self._now() - began + pause > limit_s:
                return False
            self._sleep(pause)
            pause = min(2 * pause, 2.0)
        return True


def _kind(error: Any) -> Literal["throttled", "asleep"] | None:
    from opensearchpy.exceptions import ConnectionError, SSLError

    if isinstance(error, SSLError):
        return None
    if isinstance(error, ConnectionError) or error.status_code in (502, 503, 504):
        return "asleep"
    return "throttled" if error.status_code == 429 else None


def _not_ready(kind: Literal["throttled", "asleep"]) -> NotReady:
    if kind == "throttled":
        return NotReady("The vector store has too much to do. Try again in a moment.", retry_after_s=2)
    return NotReady(
        f"The vector store is waking up, which takes up to half a minute. Try again in {_WAKES_IN_S} seconds.",
        retry_after_s=_WAKES_IN_S,
    )
