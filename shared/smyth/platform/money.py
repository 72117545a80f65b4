"""Money: whole micro-USD inside, decimal strings at the edge."""

from __future__ import annotations

MICRO = 1_000_000


def share(amount: int, part: int, whole: int) -> int:
    """Return ``amount * part / whole`` in whole micro-USD, rounding half up; the one rounding of money there is."""
    return (2 * amount * part + whole) // (2 * whole)


def marked_up(cost: int, percent: int) -> int:
    """Return what a tenant pays for what the provider takes ``cost`` for, under a plan's markup."""
    return cost + share(cost, percent, 100)


def usd(micro: int) -> str:
    """Return micro-USD as dollars with six places: ``1230000`` is ``1.230000``."""
    sign, micro = ("-", -micro) if micro < 0 else ("", micro)
    return f"{sign}{micro // MICRO}.{micro % MICRO:06d}"
