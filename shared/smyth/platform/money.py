"""Money: whole micro-USD inside, decimal strings at the edge."""

from __future__ import annotations

import re

_AMOUNT = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,6}))?")

MICRO = 1_000_000


def share(amount: int, part: int, whole: int) -> int:
    """Return ``amount * part / whole`` in whole micro-USD, rounding half up; the one rounding of money there is."""
    return (2 * amount * part + whole) // (2 * whole)


def marked_up(cost: int, percent: int) -> int:
    """Return what a tenant pays for what the provider takes ``cost`` for, under a plan's markup."""
    return cost + share(cost, percent, 100)


def cost_within(amount: int, percent: int) -> int:
    """Return the largest cost that a tenant pays no more than ``amount`` for."""
    cost = amount * 100 // (100 + percent)
    while marked_up(cost + 1, percent) <= amount:  # Where the markup is rounded down.
        cost += 1
    return cost


def usd(micro: int) -> str:
    """Return micro-USD as dollars with six places: ``1230000`` is ``1.230000``."""
    sign, micro = ("-", -micro) if micro < 0 else ("", micro)
    return f"{sign}{micro // MICRO}.{micro % MICRO:06d}"


def micro(text: str) -> int:
    """Return dollars such as ``1.23`` as micro-USD.

    Raises:
        ValueError: The text is no amount of at most nine digits before the point and six behind it.
    """
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise ValueError('is no amount in USD such as "12.50", with six places at most')
    return int(found[1]) * MICRO + int((found[2] or "").ljust(6, "0"))
