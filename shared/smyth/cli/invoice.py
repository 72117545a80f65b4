"""``smyth invoice``: a month's invoice on the terminal, or as a page or PDF in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from smyth.cli.errors import CommandError
from smyth.cli.output import AsJson, print_json, print_table
from smyth.cli.pages import Tenant, named, segment
from smyth.cli.server import Key, Url, find_server

_TYPES = {".html": "text/html", ".pdf": "application/pdf"}


def invoice(
    month: Annotated[str | None, typer.Argument(help="Such as 2026-05; the running month unless told.")] = None,
    tenant: Tenant = None,
    to: Annotated[Path | None, typer.Option("--to", help="Write it to this .html or .pdf file.")] = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Tell what is owed for a month, line by line."""
    server = find_server(url, key)
    path = f"/api/tenants/{segment(tenant)}/invoice" if tenant else "/api/billing/invoice"
    if to is not None:
        kind = _TYPES.get(to.suffix.lower())
        if kind is None or as_json:
            raise CommandError("--to names a file that ends in .html or .pdf, and goes without --json.", exit_code=2)
        params = named(month=month, format=to.suffix.lower()[1:])
        # API Gateway sends bytes only to those who say that they take them.
        answer = server.call("GET", path, params=params, headers={"accept": kind})
        to.write_bytes(answer.content)
        typer.echo(f"wrote {to}")
        return
    found = server.call("GET", path, params=named(month=month)).json()
    if as_json:
        print_json(found)
    else:
        _tell(found)


def _tell(found: dict[str, Any]) -> None:
    typer.echo(f"Invoice {found['number']} for {found['tenant_name']}, {found['status']}")
    rows = [
        [line["description"], _blank(line["quantity"]), _blank(line["unit_price"]), line["amount"]]
        for line in found["lines"]
    ]
    print_table(["what", "quantity", "price", found["currency"]], rows)
    tax = found["tax"]
    typer.echo(f"subtotal {found['subtotal']}, {tax['name']} {tax['percent']} % {tax['amount']}")
    typer.echo(f"total {found['total']}, paid {found['paid']}, due {found['due']}")


def _blank(value: object) -> object:
    return "" if value is None else value
