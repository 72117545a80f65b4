"""``smyth cost``: what a customer's stack costs a month, before it is deployed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from infra import customer as customers
from infra.commands.assembly import synthesised
from infra.costs import Estimate, Line, Use, estimate
from infra.customer import Customer
from infra.prices import Prices, read_prices
from smyth.cli.errors import UsageError
from smyth.cli.output import AsJson, print_json, print_table
from smyth.connectors.models.catalog import Catalog, read_models
from smyth.connectors.models.port import ModelError, Usage
from smyth.connectors.models.prices import priced

_MICRO = Decimal(1_000_000)
#: The price of tokens is that of a prompt of this length: four fifths read, one fifth written.
_READ, _WRITTEN = 8_000, 2_000


def cost(
    name: Annotated[str, typer.Argument(metavar="CUSTOMER", help="A file of infra/customers, without .yaml.")],
    requests: Annotated[int, typer.Option(min=0, help="Turns of agents a month.")] = 0,
    tokens: Annotated[int, typer.Option(min=0, help="Tokens a month, a fifth of them written by the model.")] = 0,
    model: Annotated[str, typer.Option(help="The model that the tokens are of.")] = "",
    storage_gb: Annotated[float, typer.Option(min=0, help="GB in the bucket.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Estimate a stack's monthly cost at AWS's list prices, idle cost apart."""
    if bool(tokens) != bool(model):
        raise UsageError("Give --tokens together with --model: tokens cost what their model costs.")
    customer = customers.load(name)
    prices = read_prices(customer.region)
    told = estimate(_template(customer), prices, Use(requests, Decimal(str(storage_gb))))
    if tokens:
        told = replace(told, lines=(*told.lines, _model_line(customer, model, tokens)))
    if as_json:
        print_json(_as_json(customer, told, prices))
    else:
        _print(customer, told, prices)


def _template(customer: Customer) -> dict[str, Any]:
    """The stack without its layers of dependencies, which cost nothing but time to build."""
    with tempfile.TemporaryDirectory(prefix="smyth-cost-") as folder:
        bare = customer.model_copy(update={"layer": "source"})
        return synthesised(bare, lint=False, out=Path(folder)).body


def _model_line(customer: Customer, model: str, tokens: int) -> Line:
    try:
        entry = Catalog(read_models(customer.models)).find(model)
    except ModelError as error:
        raise UsageError(str(error)) from None
    asked = priced(entry, Usage(model, input_tokens=_READ, output_tokens=_WRITTEN))
    price = Decimal(asked.cost_micro_usd) / _MICRO / (_READ + _WRITTEN)
    return Line("model", entry.provider, f"tokens of {model}", Decimal(tokens), price)


def _as_json(customer: Customer, told: Estimate, prices: Prices) -> dict[str, Any]:
    return {
        "customer": customer.name,
        "currency": "USD",
        "prices": {"region": prices.region, "as_of": prices.as_of},
        "idle": _usd(told.micro_usd("idle")),
        "use": _usd(told.micro_usd("use")),
        "model": _usd(told.micro_usd("model")),
        "total": _usd(told.micro_usd()),
        "uncounted": list(told.uncounted),
        "lines": [
            {
                "kind": line.kind,
                "service": line.service,
                "what": line.what,
                "quantity": f"{line.quantity:f}",
                "price": f"{line.price:f}",
                "cost": _usd(line.micro_usd),
            }
            for line in told.lines
        ],
    }


def _print(customer: Customer, told: Estimate, prices: Prices) -> None:
    print_table(("service", "what", "a month", "USD each", "USD a month"), _rows(told))
    print(f"\nidle   {_usd(told.micro_usd('idle'))}  with nobody asking anything")
    print(f"use    {_usd(told.micro_usd('use'))}")
    print(f"model  {_usd(told.micro_usd('model'))}  paid to the model's provider")
    print(f"total  {_usd(told.micro_usd())}")
    if told.uncounted:
        print(f"\nNot counted, since infra/costs.py does not know them: {', '.join(told.uncounted)}")
    other = "" if prices.region == customer.region else f" There are none of {customer.region}."
    print(
        f"\nAWS's list prices of {prices.region} as noted on {prices.as_of} (infra/prices.csv), to be checked before "
        f"you rely on them, without taxes and free allowances.{other}\n"
        "infra/costs.py says what a request is taken to need."
    )


def _rows(told: Estimate) -> Iterator[tuple[str, ...]]:
    for line in told.lines:
        yield line.service, line.what, f"{line.quantity:,.4f}", f"{line.price:f}", _usd(line.micro_usd)


def _usd(micro_usd: int) -> str:
    return str((Decimal(micro_usd) / _MICRO).quantize(Decimal("0.000001"), ROUND_HALF_UP))
