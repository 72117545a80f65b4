"""``smyth budgets``: list, set and delete."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from smyth.cli.output import AsJson, print_json, print_table
from smyth.cli.server import Key, Url, find_server

budgets = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="What a tenant, agents and keys may spend."
)

Scope = Annotated[str, typer.Argument(help='"tenant", "agent:<id>" or "key:<id>".')]


@budgets.command("list")
def list_budgets(url: Url = None, key: Key = None, as_json: AsJson = False) -> None:
    """List your budgets and where they stand."""
    found = find_server(url, key).call("GET", "/api/budgets").json()
    if as_json:
        print_json(found)
    else:
        _print(found["items"])


@budgets.command("set")
def set_budget(
    scope: Scope,
    amount: Annotated[str, typer.Argument(help="USD in each period, such as 20 or 0.50.")],
    period: Annotated[str, typer.Option(help="day, month, or total for one that does not renew.")] = "month",
    per_run: Annotated[
        str | None, typer.Option(help="USD that the models of one request may cost; else as the server has it.")
    ] = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Set a budget, in place of the one that the scope has; it holds from the next request on."""
    fields = {"amount": amount, "period": period, "per_run": per_run}
    made = find_server(url, key).call("PUT", _path(scope), json=fields).json()
    if as_json:
        print_json(made)
    else:
        _print([made])


@budgets.command("delete")
def delete_budget(scope: Scope, url: Url = None, key: Key = None) -> None:
    """Take a budget away: nothing bounds the scope then."""
    find_server(url, key).call("DELETE", _path(scope))
    print(f"deleted the budget {scope}")


def _path(scope: str) -> str:
    return f"/api/budgets/{quote(scope, safe='')}"


def _print(items: list[dict[str, Any]]) -> None:
    columns = ["scope", "amount", "period", "per_run", "spent", "reserved", "left", "renews_at"]
    print_table(columns, [["-" if item[name] is None else item[name] for name in columns] for item in items])
