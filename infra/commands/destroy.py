"""Removes a stack, unless that would take data with it that nobody gave up."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

import typer

from infra.changes import stateful
from infra.commands.cloud import Cloud
from infra.customer import Customer
from smyth.cli.errors import CommandError

_PROTECTION = ("DeletionProtectionEnabled", "DeletionProtection")
_PROTECTED = (True, "true", "ACTIVE")
_KEPT = ("Retain", "RetainExceptOnCreate", "Snapshot")


def destroy_stack(customer: Customer, *, typed: str | None, delete_data: bool) -> None:
    """Delete the stack and tell what happens to its resources.

    Args:
        customer: Whose stack.
        typed: The customer's name, given beforehand; None: it is asked for.
        delete_data: What table and bucket hold may go, too.

    Raises:
        CommandError: It is protected, holds data, or the name was not typed; nothing is deleted then.
    """
    cloud = Cloud(customer)
    account = cloud.check_account()
    _check_protection(cloud)
    holding = _holding(cloud)
    if holding and not delete_data:
        raise CommandError(
            f"The stack holds data: {', '.join(holding)}. Back them up (docs/operations.md) and give --delete-data."
        )
    _check_name(customer, typed, account)
    if delete_data:
        _empty_buckets(cloud)
    since = datetime.now(UTC)
    cloud.client("cloudformation").delete_stack(StackName=cloud.stack_name)
    left = cloud.wait(since=since, tell=print)
    if left is not None:
        raise CommandError(f"The stack could not be deleted ({left}); see the reasons above, then destroy it again.")
    print(f"{cloud.stack_name} is gone.")


def _check_protection(cloud: Cloud) -> None:
    stack = cloud.stack()
    if stack is None:
        raise CommandError(f"There is no stack {cloud.stack_name} in {cloud.customer.region}; nothing is destroyed.")
    protected = sorted(id for id, resource in stateful(cloud.template()).items() if _is_protected(resource))
    if stack.get("EnableTerminationProtection"):
        protected.insert(0, "the stack itself (termination protection)")
    if protected:
        name = cloud.customer.name
        raise CommandError(
            f"The data of {name} are protected from deletion: {', '.join(protected)}. If they may go: back them up "
            f"(docs/operations.md), set `data: {{keep: false}}` in infra/customers/{name}.yaml, run "
            f"`smyth stack deploy {name}`, then destroy it."
        )


def _is_protected(resource: dict[str, Any]) -> bool:
    properties = resource.get("Properties", {})
    return resource.get("DeletionPolicy") in _KEPT or any(properties.get(name) in _PROTECTED for name in _PROTECTION)


def _holding(cloud: Cloud) -> list[str]:
    """The tables and buckets that are not empty."""
    tables = [resource["PhysicalResourceId"] for resource in cloud.resources("AWS::DynamoDB::Table")]
    found = [
        f"table {table}"
        for table in tables
        if cloud.client("dynamodb").scan(TableName=table, Limit=1, Select="COUNT")["ScannedCount"]
    ]
    for bucket in _buckets(cloud):
        versions = cloud.client("s3").list_object_versions(Bucket=bucket, MaxKeys=1)
        if versions.get("Versions") or versions.get("DeleteMarkers"):
            found.append(f"bucket {bucket}")
    return found


def _buckets(cloud: Cloud) -> list[str]:
    return [resource["PhysicalResourceId"] for resource in cloud.resources("AWS::S3::Bucket")]


def _empty_buckets(cloud: Cloud) -> None:
    """CloudFormation deletes no bucket that holds anything; older versions and delete markers count."""
    store = cloud.session.resource("s3")
    for bucket in _buckets(cloud):
        store.Bucket(bucket).object_versions.delete()


def _check_name(customer: Customer, typed: str | None, account: str) -> None:
    if typed is None and sys.stdin.isatty():
        typed = typer.prompt(f"This deletes the stack of {customer.name} in {account}. Type its name to go on")
    if typed != customer.name:
        said = f"'{typed}' was given" if typed else "no name was given"
        raise CommandError(
            f"Nothing is destroyed: {said}. Type the customer's name, or give --yes-destroy {customer.name}."
        )
