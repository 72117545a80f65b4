"""What one request may still spend on providers: set aside before each of them is asked, corrected afterwards.

Whoever asks a provider holds the most that the answer can cost; what is left can then never be spent twice, however
many models a run asks at the same time. One allowance lives as long as its request, in one event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal

from smyth.connectors.models.port import ModelError


class Allowance:
    """Money for providers, in micro-USD of what they take."""

    def __init__(
        self, limit: int, *, source: str = "this request's budget", price: Callable[[int], int] | None = None
    ) -> None:
        """Make an allowance.

        Args:
            limit: The most that all answers together may cost.
            source: Who set the limit, as a refusal names it.
            price: What the caller pays for a provider's cost, as a refusal tells it; by default the same.
        """
        self.limit = limit
        self._source = source
        self._price = price or (lambda cost: cost)
        self._spent = 0
        self._held = 0
        self._freed = asyncio.Event()

    @property
    def left(self) -> int:
        """What is neither spent nor held."""
        return self.limit - self._spent - self._held

    async def hold(self, wanted: int, least: int | None = None) -> Hold:
        """Set ``wanted`` aside, or what is left if that is at least ``least``.

        While others hold what they may give back, this waits for it: better a late answer than one cut short.

        Raises:
            ModelError: Too little is left.
        """
        least = wanted if least is None else least
        while self.left < wanted and self._held:
            await self._freed.wait()
        if self.left < least:
            raise self._refusal(least)
        return Hold(self, min(wanted, self.left))

    def take(self, amount: int) -> None:
        """Count ``amount`` as held."""
        self._held += amount

    def give_back(self, amount: int, cost: int) -> None:
        """Count ``amount`` as held no longer, and ``cost`` as spent."""
        self._held -= amount
        self._spent += cost
        self._freed.set()
        self._freed = asyncio.Event()

    def _refusal(self, least: int) -> ModelError:
        left, needed = _dollars(self._price(max(0, self.left))), _dollars(self._price(least))
        return ModelError(
            f"The model was not asked: {self._source} leaves ${left} for models, and even a short answer may cost "
            f"${needed}. Send less, choose a cheaper model, or raise that limit.",
            kind="budget",
            reached=False,
        )


class Hold:
    """Money set aside for one answer, until its cost is known."""

    def __init__(self, allowance: Allowance, amount: int) -> None:
        self.amount = amount
        self._allowance = allowance
        self._ended = False
        allowance.take(amount)

    def end(self, cost: int) -> None:
        """Spend ``cost`` and give back the rest; only the first call counts."""
        if not self._ended:
            self._ended = True
            self._allowance.give_back(self.amount, cost)


def _dollars(micro: int) -> str:
    return f"{Decimal(micro).scaleb(-6):.6f}"
