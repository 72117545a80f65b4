"""What the models of a request may cost: by the header ``x-max-cost``, and by what its admission reserved."""

from __future__ import annotations

from fastapi import Request

from smyth.connectors.models.allowance import Allowance
from smyth.http.problems import Problem
from smyth.platform.metering import Admission
from smyth.platform.money import cost_within, marked_up, micro

HEADER = "x-max-cost"


def max_cost(request: Request) -> int | None:
    """Return what the caller lets the request's models cost at the most, in micro-USD; None where nothing is said.

    Raises:
        Problem: 400, the header is no amount.
    """
    given = request.headers.get(HEADER)
    if given is None:
        return None
    try:
        return micro(given.strip())
    except ValueError:
        detail = f'The header {HEADER} must be an amount in USD with at most six decimals, such as "0.05".'
        raise Problem(400, "invalid_header", detail, [{"in": "header", "field": HEADER, "message": detail}]) from None


def allowance_of(admission: Admission, asked: int | None) -> Allowance | None:
    """Return what an admitted request may spend on models; None where nothing bounds it.

    Args:
        admission: What was reserved.
        asked: What the caller set by the header.
    """
    entry = admission.entry
    if entry.reserved is None:
        return None
    granted = max(0, entry.reserved - entry.fee)
    return Allowance(
        cost_within(granted, entry.markup_percent),
        source=_source(entry.budgets, asked_for_it=asked is not None and granted == asked),
        price=lambda cost: marked_up(cost, entry.markup_percent),
    )


def _source(places: tuple[str, ...], *, asked_for_it: bool) -> str:
    """Return who bounds the request: its header, or the budgets that its money is reserved of."""
    if asked_for_it or not places:
        return f"the header {HEADER}"
    scopes = [f'"{place.partition("#")[0]}"' for place in places]
    return f"the budget {scopes[0]}" if len(scopes) == 1 else f"the tightest of the budgets {', '.join(scopes)}"
