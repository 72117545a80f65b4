"""The HTTP port: what components that speak to an outside service use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol


class HttpError(Exception):
    """There is no answer: the text says why and what to do, and names no more of the URL than its host."""


class InvalidURL(HttpError):
    """The URL of a request cannot be read."""


class ForbiddenAddress(HttpError):
    """The address is one that may not be called from here."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request."""

    #: May hold secrets, as may all else of a request.
    url: str = field(repr=False)
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: Sent as it is; ``content-type`` is the caller's to set.
    body: bytes | None = field(default=None, repr=False)
    #: ``http`` or ``https`` URL of a proxy, with its user and password if it wants them.
    proxy: str | None = field(default=None, repr=False)
    #: Longest time from the start to the last byte.
    timeout_s: float = 100.0
    #: Largest answer, unpacked.
    max_bytes: int = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class HttpReply:
    """The answer, whatever its status."""

    status: int
    #: Names in lower case; those that came more than once are joined by commas.
    headers: Mapping[str, str]
    content: bytes = field(repr=False)
    #: Where the answer came from, after redirects; without user and password.
    url: str
    #: Each ``set-cookie`` header by itself, for they cannot be joined.
    cookies: tuple[str, ...] = ()


class HttpStream(Protocol):
    """An answer whose body is still coming; its members are those of :class:`HttpReply`."""

    status: int
    headers: Mapping[str, str]
    url: str

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes, unpacked.

        Raises:
            HttpError: The connection broke, or the body is larger than the request allows.
        """
        ...


class HttpPort(Protocol):
    """Sends requests to addresses that documents and services name."""

    async def send(self, request: HttpRequest) -> HttpReply:
        """Send ``request``, follow its redirects and read the whole answer.

        Raises:
            ForbiddenAddress: The address, or one it redirects to, may not be called.
            HttpError: There is no answer, or it is too large.
        """
        ...

    def stream(self, request: HttpRequest) -> AbstractAsyncContextManager[HttpStream]:
        """As :meth:`send`, but hand over the answer while it comes; the time limit is for each silence.

        Raises:
            ForbiddenAddress: As :meth:`send`.
            HttpError: As :meth:`send`.
        """
        ...
