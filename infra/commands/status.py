"""Tells how the stacks of customers are."""

from __future__ import annotations

import json
from typing import Any

import boto3

from infra import customer as customers
from infra.commands.cloud import AWS_ERRORS, Cloud, outputs_of, plain_words
from infra.customer import CustomerError
from smyth.cli.errors import CommandError
from smyth.cli.output import print_json, print_table


def overview() -> list[dict[str, str | None]]:
    """Each customer with the status of its stack, or why that is not known."""
    signed_in = boto3.Session().get_credentials() is not None
    return [_row(name, signed_in) for name in customers.names()]


def _row(name: str, signed_in: bool) -> dict[str, str | None]:
    row: dict[str, str | None] = {"customer": name, "region": None, "account": None, "updated": None}
    try:
        customer = customers.load(name)
    except CustomerError as error:
        return {**row, "status": f"file cannot be used: {' '.join(str(error).split())}"}
    row |= {"region": customer.region, "account": customer.account}
    if not signed_in:
        return {**row, "status": "unknown: no AWS credentials"}
    cloud = Cloud(customer)
    try:
        row["account"] = cloud.check_account()
        found = cloud.stack()
    except CommandError:
        return {**row, "status": "unknown: the credentials are of another account"}
    except AWS_ERRORS as error:
        return {**row, "status": f"unknown: {plain_words(error)}"}
    if found is None:
        return {**row, "status": "not deployed"}
    return {**row, "status": found["StackStatus"], "updated": _updated(found)}


def show_status(cloud: Cloud, *, as_json: bool) -> None:
    """Print everything that is known of one stack.

    Raises:
        CommandError: There is no stack.
    """
    cloud.check_account()
    found = cloud.stack()
    if found is None:
        raise CommandError(
            f"{cloud.customer.name} is not deployed in {cloud.customer.region}. "
            f"`smyth stack deploy {cloud.customer.name}` deploys it."
        )
    told = {
        "stack": found["StackName"],
        "status": found["StackStatus"],
        "updated": _updated(found),
        "outputs": outputs_of(found),
        "layers": [layer["PhysicalResourceId"] for layer in cloud.resources("AWS::Lambda::LayerVersion")],
        "alarms": cloud.alarms(),
    }
    if as_json:
        print_json(told)
    else:
        _print(told)


def _print(told: dict[str, Any]) -> None:
    print(f"{told['stack']}: {told['status']}, updated {told['updated']}")
    print_table(("output", "value"), [(name, _short(value)) for name, value in told["outputs"].items()])
    print("layers: " + (", ".join(_version(arn) for arn in told["layers"]) or "none"))
    ringing = [alarm["name"] for alarm in told["alarms"] if alarm["state"] == "ALARM"]
    print(f"alarms: {len(told['alarms'])}, ringing: {', '.join(ringing) or 'none'}")


def _updated(stack: dict[str, Any]) -> str:
    updated = stack.get("LastUpdatedTime") or stack["CreationTime"]
    return str(updated.isoformat(timespec="seconds"))


def _short(value: str) -> str:
    """Maps of many names, which are for programs, only by their number."""
    if not value.startswith("{"):
        return value
    return f"{len(json.loads(value))} entries (--json shows them)"


def _version(arn: str) -> str:
    name, _, version = arn.rpartition(":")
    return f"{name.rpartition(':')[2]} version {version}"
