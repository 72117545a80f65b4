"""How long a provider is waited for, and how often it is asked again."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import Any, TypeVar

from smyth.connectors.models.port import ErrorKind, ModelError

_Answer = TypeVar("_Answer")

_RETRIABLE: frozenset[ErrorKind] = frozenset({"rate_limited", "provider"})
_FIRST_PAUSE_S = 0.5
#: A longer pause than this is left to the caller, who learns of it.
_LONGEST_PAUSE_S = 5.0
#: What an answer takes at the least; nothing is begun with less time left.
_SHORTEST_ANSWER_S = 1.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How patient one request is."""

    retries: int = 2
    #: How long a provider may be silent.
    silence_s: float = 60.0
    #: Until when the answer must be there, by ``time.monotonic()``.
    deadline: float | None = None

    def pause_s(self, error: ModelError, asked: int) -> float | None:
        """Return how long to wait before asking again; None: do not.

        Pauses double from half a second, and vary so that many callers do not come back at once.

        Args:
            error: Why the provider did not answer.
            asked: How often it was asked.
        """
        if error.kind not in _RETRIABLE or asked > self.retries:
            return None
        doubled = _FIRST_PAUSE_S * 2 ** (asked - 1)
        pause = random.uniform(doubled / 2, doubled) if error.retry_after_s is None else error.retry_after_s  # noqa: S311
        late = self.deadline is not None and time.monotonic() + pause + _SHORTEST_ANSWER_S > self.deadline
        return None if pause > _LONGEST_PAUSE_S or late else pause

    def begin(self) -> None:
        """Refuse to begin what cannot end in time.

        Raises:
            ModelError: There is no time left.
        """
        if self.deadline is not None and time.monotonic() >= self.deadline:
            raise ModelError(
                "There was no time left to ask the model. Ask for less in one request, or give it more time.",
                kind="timeout",
                reached=False,
            )

    async def wait(self, answer: Awaitable[_Answer]) -> _Answer:
        """Return ``answer`` if it comes in time.

        Raises:
            TimeoutError: The provider was silent for too long.
            ModelError: The time for the whole request is over.
        """
        left = None if self.deadline is None else self.deadline - time.monotonic()
        try:
            async with asyncio.timeout(self.silence_s if left is None else min(self.silence_s, max(0.0, left))):
                return await answer
        except TimeoutError:
            if self.deadline is None or time.monotonic() < self.deadline:
                raise
            raise ModelError(
                "The model's answer was not complete in the time that this request has. "
                "Ask for a shorter answer, or stream it.",
                kind="timeout",
            ) from None


async def unless_silent(chunks: Any, patience: Patience) -> AsyncIterator[Any]:
    """Pass chunks on as long as each comes in time.

    Raises:
        TimeoutError: As :meth:`Patience.wait`.
        ModelError: As :meth:`Patience.wait`.
    """
    iterator = aiter(chunks)
    while True:
        try:
            chunk = await patience.wait(anext(iterator))
        except StopAsyncIteration:
            return
        yield chunk
