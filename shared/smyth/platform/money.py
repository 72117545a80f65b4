"""Money: whole micro-USD inside, decimal strings at the edge."""

from __future__ import annotations

MICRO = 1_000_000


def usd(micro: int) -> str:
    """Return micro-USD as dollars with six places: ``1230000`` is ``1.230000``."""
    sign, micro = ("-", -micro) if micro < 0 else ("", micro)
    return f"{sign}{micro // MICRO}.{micro % MICRO:06d}"
