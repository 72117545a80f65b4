"""How many requests a function may have in flight on a laptop, where each is a process of its own."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from smyth.http.problems import Problem


class InFlight:
    """Lets a few requests per function through and queues the rest.

    A cold burst of 32 requests would else start 32 processes at once: four that are reused answer far sooner.
    """

    def __init__(self, *, per_function: int = 4, wait_seconds: float = 25.0) -> None:
        self._slots: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(per_function))
        self._wait_seconds = wait_seconds

    @asynccontextmanager
    async def slot(self, function: str) -> AsyncIterator[None]:
        """Hold one of the function's slots.

        Raises:
            Problem: 503, none came free in time.
        """
        semaphore = self._slots[function]
        try:
            await asyncio.wait_for(semaphore.acquire(), self._wait_seconds)
        except TimeoutError:
            detail = f"The laptop is busy: no turn came within {self._wait_seconds:.0f} s. Try again."
            raise Problem(503, "busy", detail, headers={"retry-after": "1"}) from None
        try:
            yield
        finally:
            semaphore.release()
