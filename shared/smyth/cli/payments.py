"""``smyth payments``: what was paid; buying prepaid requests; the operator's entries."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from smyth.cli.errors import CommandError
from smyth.cli.output import AsJson, print_json, print_table
from smyth.cli.pages import Limit, Tenant, all_of, named, segment
from smyth.cli.server import Key, Server, Url, find_server

_COLUMNS = ["id", "kind", "amount", "requests", "month", "at", "by", "reference", "note"]
_KINDS = ("topup", "payment", "credit", "refund", "grant")


def payments(
    action: Annotated[str, typer.Argument(help="list, buy, or add KIND.")] = "list",
    kind: Annotated[str | None, typer.Argument(help=f"Of add: {', '.join(_KINDS)}.")] = None,
    tenant: Tenant = None,
    amount: Annotated[str | None, typer.Option(help="USD, such as 12.50.")] = None,
    requests: Annotated[int | None, typer.Option(min=1, help="Prepaid requests.")] = None,
    packages: Annotated[int | None, typer.Option(min=1, help="Packages of the plan, of buy and add topup.")] = None,
    month: Annotated[str | None, typer.Option(help="Of add payment: the month whose invoice it pays.")] = None,
    reference: Annotated[str | None, typer.Option(help="What the payer calls it.")] = None,
    note: Annotated[str | None, typer.Option(help="What the invoice is to say.")] = None,
    once: Annotated[
        str | None, typer.Option("--once", help="A word of yours: with the same one it is done once.")
    ] = None,
    limit: Limit = 100,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """List payments, buy prepaid requests (prints where to pay), or write a payment down as the operator."""
    server = find_server(url, key)
    headers = {"idempotency-key": once} if once else {}
    match action, kind:
        case "list", None:
            _list(server, _path(tenant), limit, as_json=as_json)
        case "buy", None:
            order = server.call(
                "POST", "/api/billing/prepaid", json={"packages": packages or 1}, headers=headers
            ).json()
            _show(order, f"{order['requests']} requests for {order['price']} USD: {order['url']}", as_json=as_json)
        case "add", str() if kind in _KINDS and tenant:
            fields = named(
                kind=kind,
                amount=amount,
                requests=requests,
                packages=packages,
                month=month,
                reference=reference,
                note=note,
            )
            made = server.call("POST", _path(tenant), json=fields, headers=headers).json()
            text = f"wrote {made['id']}: {made['kind']} of {made['amount']} USD, {made['requests']} requests"
            _show(made, text, as_json=as_json)
        case _:
            raise CommandError(
                "Write `smyth payments list`, `smyth payments buy --packages 1` or, as the operator, "
                f"`smyth payments add KIND --tenant TENANT` with a kind of {', '.join(_KINDS)}.",
                exit_code=2,
            )


def _path(tenant: str | None) -> str:
    return f"/api/tenants/{segment(tenant)}/payments" if tenant else "/api/billing/payments"


def _list(server: Server, path: str, limit: int, *, as_json: bool) -> None:
    items = all_of(server, path, {}, limit)
    if as_json:
        print_json({"items": items})
    else:
        print_table(_COLUMNS, [[item[name] for name in _COLUMNS] for item in items])


def _show(answer: dict[str, Any], text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        typer.echo(text)
