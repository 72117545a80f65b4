"""What admission asks of its store: meters, limits a minute, and the terms on which a request is let in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from smyth.platform.budgets import BudgetStore, Hold
from smyth.platform.entries import Entry, Figures
from smyth.platform.idempotency import Answer, Claim, Taken


class Meter(BaseModel):
    """What a meter has counted."""

    model_config = ConfigDict(frozen=True)

    used: int = 0
    #: How many were paid for; months have none, their grant is the plan's.
    granted: int = 0


class Rate(BaseModel):
    """How many requests of one kind a minute may have."""

    model_config = ConfigDict(frozen=True)

    #: ``tenant``, ``key:<id>`` or ``ip:<address>``.
    what: str
    most: int


class Terms(BaseModel):
    """What must hold for a request to be let in."""

    model_config = ConfigDict(frozen=True)

    #: The month's requests; None where there is no limit and for what is prepaid.
    granted: int | None = None
    #: The fee beyond the month's grant; None: there is no beyond.
    overage_fee: int | None = None
    rates: tuple[Rate, ...] = ()
    hold: Hold | None = None


class Exhausted(Exception):
    """The meter has no request left; nothing was written."""


class TooFast(Exception):
    """The minute has no request left; nothing was written."""

    def __init__(self, rate: Rate) -> None:
        super().__init__(rate.what)
        self.rate = rate


class MeterStore(Protocol):
    """Where entries and meters live. Every call may be repeated; the first one that ends an entry wins."""

    @property
    def budgets(self) -> BudgetStore:
        """The budgets that admissions reserve money of."""
        ...

    def reserve(self, entry: Entry, terms: Terms, claim: Claim | None, now: datetime) -> Entry | Taken:
        """Write the entry, count it, reserve its money and take the claim: all or nothing.

        Returns the entry as it was let in: with what is reserved for it, and at which fee.

        Raises:
            Exhausted: The meter is full.
            TooFast: The minute is.
            Overspent: A budget has too little left.
            Busy: Too many others wrote at the same time.
        """
        ...

    def end(self, entry: Entry, claim: Claim | None = None, answer: Answer | None = None) -> bool:
        """Write the entry's end; a release gives the request back to the meter, a settlement keeps the claim's answer.

        What was reserved of budgets becomes spent as far as the entry's price goes; the rest is free again.

        Returns False where the entry had ended another way before.
        """
        ...

    def note(self, entry: Entry, figures: Figures) -> None:
        """Write what an open entry has used so far, which settles it if nobody else does."""
        ...

    def meter(self, tenant_id: str, meter: str) -> Meter:
        """Return what the meter has counted, as of all writes so far."""
        ...

    def overdue(self, now: datetime) -> Iterator[Entry]:
        """Yield open entries whose lease has ended."""
        ...

    def entries(self, tenant_id: str, day: date, after: str = "") -> Iterable[Entry]:
        """Yield the entries of a day behind the request id ``after``."""
        ...
