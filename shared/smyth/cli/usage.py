"""``smyth usage``: what was used; ``smyth usage rebuild TENANT``: the proof that totals equal the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Any

import typer

from smyth.cli.errors import CommandError
from smyth.cli.output import AsJson, print_json, print_table
from smyth.cli.server import Key, Server, Url, find_server

#: As many days as a server compares at once.
_DAYS_AT_ONCE = 31
_GROUPS = ("day", "agent", "key", "model", "route")


def usage(
    action: Annotated[str, typer.Argument(help="Nothing to tell what was used, or rebuild.")] = "",
    tenant: Annotated[str, typer.Argument(help="Whose totals to rebuild.")] = "",
    of: Annotated[str | None, typer.Option("--tenant", help="Whose usage; with the operator's key.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="First day, such as 2026-05-01.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last day.")] = None,
    by: Annotated[str, typer.Option(help="day, agent, key, model or route.")] = "day",
    repair: Annotated[bool, typer.Option("--repair", help="Set right what differs from the ledger.")] = False,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Tell what was used, or compute totals from the ledger again.

    `smyth usage rebuild TENANT` needs the operator's key and ends with 1 where a total differed and was not repaired.
    """
    server = find_server(url, key)
    if action == "rebuild" and tenant:
        raise typer.Exit(_rebuild(server, tenant, start, end, repair=repair, as_json=as_json))
    if action or repair:
        raise CommandError("Write `smyth usage` or `smyth usage rebuild TENANT`.", exit_code=2)
    _report(server, {"from": start, "to": end, "group_by": by, "tenant_id": of}, as_json=as_json)


def _report(server: Server, asked: dict[str, str | None], *, as_json: bool) -> None:
    if asked["group_by"] not in _GROUPS:
        raise CommandError(f"--by is one of {', '.join(_GROUPS)}.", exit_code=2)
    params = {name: value for name, value in asked.items() if value is not None}
    report = server.call("GET", "/api/usage", params=params).json()
    if as_json:
        print_json(report)
        return
    by = str(asked["group_by"])
    columns = [by, "requests", "input_tokens", "output_tokens", "provider_cost", "cost"]
    print_table(columns, [["" if row[name] is None else row[name] for name in columns] for row in report["items"]])
    requests = report["requests"]
    left = "without limit" if requests["limit"] is None else f"{requests['remaining']} of {requests['limit']} left"
    typer.echo(f"{report['plan']}: {requests['used']} requests ({left}), {report['cost']} {report['currency']}")


def _rebuild(server: Server, tenant: str, start: str | None, end: str | None, *, repair: bool, as_json: bool) -> int:
    first = _day(start) or _day(server.call("GET", f"/api/tenants/{tenant}").json()["created_at"][:10])
    last = _day(end) or datetime.now().astimezone().date() + timedelta(days=1)
    assert first is not None
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for begin, finish in _stretches(first, last):
        body = {"from": str(begin), "to": str(finish), "repair": repair}
        answer = server.call("POST", f"/api/tenants/{tenant}/rebuild", json=body).json()
        for difference in answer["differences"]:
            found.setdefault((difference["kind"], difference["name"]), difference)
    differences = list(found.values())
    if as_json:
        print_json({"tenant_id": tenant, "from": str(first), "to": str(last), "differences": differences})
    elif not differences:
        typer.echo(f"All totals of {tenant} from {first} to {last} equal the ledger.")
    else:
        columns = ["kind", "name", "ledger", "found", "repaired"]
        print_table(columns, [["yes" if row[name] is True else row[name] for name in columns] for row in differences])
    return int(any(not difference["repaired"] for difference in differences))


def _stretches(first: date, last: date) -> Iterator[tuple[date, date]]:
    """Cut the days into parts that a server compares at once."""
    while first <= last:
        finish = min(last, first + timedelta(days=_DAYS_AT_ONCE - 1))
        yield first, finish
        first = finish + timedelta(days=1)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise CommandError(f'"{text}" is no day. Write it like 2026-05-31.', exit_code=2) from None
