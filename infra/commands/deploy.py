"""Creates or updates a stack by the CDK CLI, then migrates its data."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from rich.console import Console

from infra import names
from infra.commands import toolkit
from infra.commands.assembly import synthesised
from infra.commands.cloud import Cloud
from infra.commands.differences import check, compare
from infra.customer import Customer
from smyth.cli.errors import CommandError
from smyth.platform.routes import FUNCTIONS

MIGRATE = "migrate"
_LONGEST_RUN_SECONDS = 910


def deploy_stack(customer: Customer, *, allowed: Collection[str], bootstrap: bool) -> None:
    """Synthesise, compare, deploy, migrate.

    Args:
        customer: Whose stack.
        allowed: Logical ids of resources with state that may be replaced or deleted.
        bootstrap: Prepare the account and region for the CDK before.

    Raises:
        CommandError: A resource with state would be lost, or a step failed.
    """
    console = Console(highlight=False)
    cloud = Cloud(customer)
    account = cloud.check_account()
    console.print(f"[bold]synthesise[/bold] {customer.name}")
    template = synthesised(customer, lint=False)
    console.print(f"[bold]compare[/bold] with the stack in {account}, {customer.region}")
    differences = compare(cloud.template(), template.body)
    differences.show(console)
    check(differences, allowed)
    if bootstrap:
        console.print(f"[bold]bootstrap[/bold] {account}, {customer.region}")
        toolkit.run(["bootstrap", f"aws://{account}/{customer.region}"])
    console.print("[bold]deploy[/bold]")
    toolkit.run(
        ["deploy", "--app", str(template.path.parent), "--require-approval", "never", "--progress", "events"],
    )
    if MIGRATE in {function.name for function in FUNCTIONS}:
        console.print("[bold]migrate[/bold]")
        for report in migrate(cloud):
            console.print(f"finished: {_listed(report['finished'])}; left: {_listed(report['left'])}", soft_wrap=True)


def _listed(migrations: Sequence[str]) -> str:
    return ", ".join(migrations) or "none"


def migrate(cloud: Cloud) -> Iterator[dict[str, Any]]:
    """Let the stack's own function bring its data up to date, and yield what each of its runs tells.

    Raises:
        CommandError: It failed, or another run is at work; the next deployment goes on where it stopped.
    """
    function = names.function(cloud.customer.name, MIGRATE)
    again = f"`smyth stack deploy {cloud.customer.name}` goes on where it stopped."
    # It is called once a run, and a run may take as long as a function may.
    caller = cloud.client("lambda", read_timeout=_LONGEST_RUN_SECONDS, retries={"total_max_attempts": 1})
    while True:
        answer = caller.invoke(FunctionName=function, Payload=b"{}")
        report = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise CommandError(
                f"The stack is deployed, but its data could not be migrated: {report.get('errorMessage')}. "
                f"The log is {names.log_group(cloud.customer.name)}; {again}"
            )
        yield report
        if report["done"]:
            return
        if report["busy"]:
            raise CommandError(f"The stack is deployed; another run migrates its data right now. {again}")
