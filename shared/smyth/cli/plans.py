"""``smyth plans``."""

from __future__ import annotations

from typing import Any

from smyth.cli.output import AsJson, print_json, print_table
from smyth.cli.server import Key, Url, find_server


def plans(url: Url = None, key: Key = None, as_json: AsJson = False) -> None:
    """Print the price list of a server, in USD."""
    items: list[dict[str, Any]] = find_server(url, key).call("GET", "/api/billing/plans").json()["items"]
    if as_json:
        print_json(items)
        return
    print_table(
        ["plan", "a month", "a request", "beyond the limit", "models", "requests a month", "agents"],
        [_row(one) for one in items],
    )


def _row(plan: dict[str, Any]) -> tuple[object, ...]:
    package = plan["package"]
    bought = f"{package['requests']} for {package['price']}" if package else "bought"
    return (
        f"{plan['name']} *" if plan["mine"] else plan["name"],
        plan["price_per_month"],
        plan["price_per_request"],
        plan["overage_per_request"] or "",
        f"+{plan['model_markup_percent']} %",
        bought if plan["prepaid"] else _limit(plan["requests_per_month"]),
        _limit(plan["agents"]),
    )


def _limit(number: int | None) -> str:
    return "unlimited" if number is None else str(number)
