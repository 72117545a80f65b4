"""``smyth stack``: one customer's stack from its file to its end."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.console import Console

from infra import customer as customers
from infra.commands import customer_file
from infra.commands.assembly import synthesised
from infra.commands.cloud import Cloud
from infra.commands.deploy import deploy_stack
from infra.commands.destroy import destroy_stack
from infra.commands.differences import check, compare
from infra.commands.status import overview, show_status
from smyth.cli.output import AsJson, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Make, change, look at and remove the stacks of customers.")

Name = Annotated[str, typer.Argument(metavar="CUSTOMER", help="A file of infra/customers, without .yaml.")]
Allowed = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-replacement",
        metavar="LOGICAL_ID",
        help="A resource with state that may be replaced or deleted; repeatable.",
    ),
]


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="CUSTOMER", help="2 to 20 lower-case letters, digits, hyphens.")],
    region: Annotated[str, typer.Option(help="AWS region.")] = "us-east-1",
    account: Annotated[str | None, typer.Option(help="AWS account; else that of whoever deploys.")] = None,
    architecture: Annotated[str, typer.Option(help="arm64 or x86_64.")] = "arm64",
    log_retention_days: Annotated[int, typer.Option(help="Days that logs are kept.")] = 30,
    domain: Annotated[str | None, typer.Option(help="A name of the customer's own for the API.")] = None,
    certificate_arn: Annotated[str | None, typer.Option(help="The certificate for that name.")] = None,
    email: Annotated[str | None, typer.Option(help="Who is told of alarms; without it there are none.")] = None,
) -> None:
    """Write the file of a new customer."""
    path = customer_file.write(
        name,
        region=region,
        account=account,
        architecture=architecture,
        log_retention_days=log_retention_days,
        domain=domain,
        certificate_arn=certificate_arn,
        email=email,
    )
    print(f"wrote {path}\nNext: smyth cost {name}, smyth stack deploy {name}")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the customers and, where credentials are there, the state of their stacks."""
    rows = overview()
    if as_json:
        print_json(rows)
    else:
        columns = ("customer", "region", "account", "status", "updated")
        print_table(columns, [[row[column] or "-" for column in columns] for row in rows])


@app.command()
def synth(
    names: Annotated[list[str] | None, typer.Argument(metavar="CUSTOMER...", help="None: with --all.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every customer there is.")] = False,
    lint: Annotated[bool, typer.Option(help="Hold the template against cfn-lint.")] = True,
) -> None:
    """Write the templates of customers to cdk.out and lint them."""
    chosen = customers.names() if every else names or []
    if not chosen:
        raise typer.BadParameter("Name a customer, or all of them with --all.")
    for name in chosen:
        started = time.monotonic()
        template = synthesised(customers.load(name), lint=lint)
        print(f"wrote {template.path}  {len(template.resources)} resources  {time.monotonic() - started:.1f} s")


@app.command()
def diff(name: Name, allow_replacement: Allowed = None, as_json: AsJson = False) -> None:
    """Tell what a deployment would change; 1 when it would not keep a resource that holds state."""
    customer = customers.load(name)
    cloud = Cloud(customer)
    cloud.check_account()
    differences = compare(cloud.template(), synthesised(customer, lint=False).body)
    if as_json:
        print_json(differences.as_json())
    else:
        differences.show(Console(highlight=False))
    check(differences, allow_replacement or ())


@app.command()
def deploy(
    name: Name,
    allow_replacement: Allowed = None,
    bootstrap: Annotated[
        bool, typer.Option("--bootstrap", help="Prepare account and region for the CDK first.")
    ] = False,
) -> None:
    """Create or update the stack, then migrate its data."""
    deploy_stack(customers.load(name), allowed=allow_replacement or (), bootstrap=bootstrap)


@app.command()
def destroy(
    name: Name,
    yes_destroy: Annotated[
        str | None, typer.Option("--yes-destroy", metavar="CUSTOMER", help="The name again, instead of typing it.")
    ] = None,
    delete_data: Annotated[bool, typer.Option("--delete-data", help="Delete what table and bucket hold.")] = False,
) -> None:
    """Remove the stack; refuses while its data are protected or there."""
    destroy_stack(customers.load(name), typed=yes_destroy, delete_data=delete_data)


@app.command()
def status(name: Name, as_json: AsJson = False) -> None:
    """Tell the state of the stack, its outputs, versions and alarms."""
    show_status(Cloud(customers.load(name)), as_json=as_json)
