"""Tokens that the service fetched itself, as from OAuth servers: the port, and tokens held in memory.

A token is renewed by one caller while all others wait for it: servers that give a new refresh token with each renewal
take the old one only once (RFC 6749, section 6; RFC 9700, section 4.14).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

_MOST_KEPT = 1_000
#: How long a refusal counts for those who ask for the same, so that not every one of them asks a server that refuses.
REFUSED_S = 10


@dataclass(frozen=True, slots=True)
class Token:
    """A token and what it is renewed with."""

    access: str = field(repr=False)
    refresh: str = field(default="", repr=False)
    #: Seconds since 1970; None: it does not end.
    ends: float | None = None


class NotRenewed(Exception):
    """A token server refused; the text says why, holds no secret, and is what all who wait are told."""


#: Tells whether a token may still be used.
Usable = Callable[[Token], bool]
#: Fetches a token, given the one that is stored.
Renew = Callable[[Token | None], Awaitable[Token]]


class Tokens(Protocol):
    """Where fetched tokens are."""

    async def current(self, place: str, usable: Usable, renew: Renew) -> Token:
        """Return the token stored at ``place`` or, where it is not usable, a renewed one, which is stored.

        Args:
            place: Names the token; it tells nothing of what it is for.
            usable: Whether the stored one will do.
            renew: Fetches another; called by one caller at a time.

        Raises:
            NotRenewed: ``renew`` raised it, here or where others waited for the same.
        """
        ...


class MemoryTokens:
    """Tokens of this process."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Make it empty; ``clock`` counts seconds."""
        self._now = clock
        self._kept: dict[str, Token] = {}
        self._renewals: dict[str, asyncio.Future[Token]] = {}
        self._refused: dict[str, tuple[str, float]] = {}

    async def current(self, place: str, usable: Usable, renew: Renew) -> Token:
        """See :meth:`Tokens.current`."""
        kept = self._kept.get(place)
        if kept is not None and usable(kept):
            return kept
        if refusal := self._refusal(place):
            raise NotRenewed(refusal)
        under_way = self._renewals.get(place)
        if under_way is None or under_way.get_loop() is not asyncio.get_running_loop():
            # A task of its own: a caller that is cancelled must not lose the token for those who wait.
            under_way = asyncio.ensure_future(self._renewed(place, kept, renew))
            self._renewals[place] = under_way
        return await asyncio.shield(under_way)

    async def _renewed(self, place: str, kept: Token | None, renew: Renew) -> Token:
        try:
            token = await renew(kept)
            self._kept.pop(place, None)
            self._kept[place] = token
            if len(self._kept) > _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            return token
        except NotRenewed as error:
            self._refused[place] = str(error), self._now() + REFUSED_S
            raise
        finally:
            self._renewals.pop(place, None)

    def _refusal(self, place: str) -> str:
        for refused in [name for name, (_, until) in self._refused.items() if until <= self._now()]:
            del self._refused[refused]
        return self._refused.get(place, ("", 0.0))[0]
