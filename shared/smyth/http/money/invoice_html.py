"""Invoices as web pages; whatever is filled in is escaped."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Template

_PAGE = Path(__file__).with_name("invoice.html")


def to_html(view: Mapping[str, Any]) -> str:
    """Return the page of an invoice, as :func:`smyth.http.money.invoice_view.invoice_view` shows it."""
    return _template().render(view)


def short(amount: str | None) -> str:
    """Return money with two places, or with as many as it needs."""
    if amount is None:
        return ""
    dollars, _, places = amount.partition(".")
    return f"{dollars}.{places.rstrip('0').ljust(2, '0')}"


def days(month: str) -> str:
    """Return the first and the last day of a month, as they are where the tenant lives."""
    year, number = (int(part) for part in month.split("-"))
    return f"{month}-01 to {month}-{monthrange(year, number)[1]}"


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"money": short, "days": days}
    return environment.from_string(_PAGE.read_text("utf-8"))
