"""AWS's list prices as ``prices.csv`` has them: per region, with the page they stand on and the day they were noted."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

TABLE = Path(__file__).with_name("prices.csv")
#: Whose prices are taken for a region that the table does not have.
FALLBACK = "us-east-1"


class PriceError(ValueError):
    """A price is missing; the message says which."""


@dataclass(frozen=True, slots=True)
class Prices:
    """The prices of one region, in US dollars."""

    #: The region that they are of: the one asked for, else :data:`FALLBACK`.
    region: str
    #: The day on which the oldest of them was noted.
    as_of: str
    by_unit: dict[tuple[str, str], Decimal]

    def of(self, service: str, unit: str) -> Decimal:
        """What one unit of a service costs.

        Raises:
            PriceError: The table does not have it.
        """
        price = self.by_unit.get((service, unit))
        if price is None:
            raise PriceError(f"{TABLE} has no price for {service}, {unit} in {self.region}. Add a row.")
        return price


def read_prices(region: str, table: Path = TABLE) -> Prices:
    """Read the prices of ``region``."""
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if region not in {row["region"] for row in rows}:
        region = FALLBACK
    ours = [row for row in rows if row["region"] == region]
    by_unit = {(row["service"], row["unit"]): Decimal(row["usd"]) for row in ours}
    return Prices(region, min(row["as_of"] for row in ours), by_unit)
