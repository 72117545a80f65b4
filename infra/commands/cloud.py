"""A customer's stack as it is deployed, read through CloudFormation."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import boto3
import yaml
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError

from infra import names
from infra.changes import Template
from infra.customer import Customer
from smyth.cli.errors import CommandError

#: What a failed first try leaves behind: a stack without resources, which is deployed anew.
NEVER_CREATED = {"REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"}
_POLL_SECONDS = 2.0
#: What any AWS call may raise; :func:`plain_words` tells it.
AWS_ERRORS = (BotoCoreError, ClientError)


class Cloud:
    """The account and region of a customer's file, with the credentials of the environment."""

    def __init__(self, customer: Customer) -> None:
        self.customer = customer
        self.stack_name = names.stack(customer.name)
        #: Of its own, for the credentials that the environment has now.
        self.session = boto3.Session(region_name=customer.region)

    def client(self, service: str, **settings: Any) -> Any:
        """A client in the customer's region; ``settings`` are botocore's."""
        usual: dict[str, Any] = {"connect_timeout": 5, "retries": {"mode": "standard", "total_max_attempts": 4}}
        config = Config(**(usual | settings))
        return self.session.client(service, config=config)  # type: ignore[call-overload]

    def check_account(self) -> str:
        """The account of the credentials.

        Raises:
            CommandError: The customer's file names another one.
        """
        account: str = self.client("sts").get_caller_identity()["Account"]
        if self.customer.account not in (None, account):
            raise CommandError(
                f"The credentials are of account {account}, but {self.customer.name} belongs to account "
                f"{self.customer.account}. Sign in there, or choose the profile by AWS_PROFILE."
            )
        return account

    def stack(self) -> dict[str, Any] | None:
        """What CloudFormation says of the stack; None when there is none."""
        try:
            [found] = self.client("cloudformation").describe_stacks(StackName=self.stack_name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return None if found["StackStatus"] == "DELETE_COMPLETE" else dict(found)

    def template(self) -> Template:
        """The deployed template; an empty one when there is no stack."""
        found = self.stack()
        if found is None or found["StackStatus"] in NEVER_CREATED:
            return {}
        answer = self.client("cloudformation").get_template(StackName=self.stack_name, TemplateStage="Original")
        body = answer["TemplateBody"]
        # JSON comes parsed; what the CDK CLI wrote as YAML comes as text.
        parsed = yaml.safe_load(body) if isinstance(body, str) else json.loads(json.dumps(body))
        return dict(parsed)

    def alarms(self) -> list[dict[str, str]]:
        """The alarms of the stack, by CloudFormation's list of its resources."""
        ids = [resource["PhysicalResourceId"] for resource in self.resources("AWS::CloudWatch::Alarm")]
        found: list[dict[str, str]] = []
        for start in range(0, len(ids), 100):
            answer = self.client("cloudwatch").describe_alarms(AlarmNames=ids[start : start + 100])
            found += [{"name": alarm["AlarmName"], "state": alarm["StateValue"]} for alarm in answer["MetricAlarms"]]
        return sorted(found, key=lambda alarm: (alarm["state"] != "ALARM", alarm["name"]))

    def resources(self, kind: str) -> list[dict[str, Any]]:
        """The deployed resources of a type."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.stack_name)
        return [
            resource
            for page in pages
            for resource in page["StackResourceSummaries"]
            if resource["ResourceType"] == kind and resource.get("PhysicalResourceId")
        ]

    def events(self, *, since: datetime) -> Iterator[dict[str, Any]]:
        """What happened to the stack's resources after a time, newest first."""
        pages = self.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=self.stack_name)
        for page in pages:
            for event in page["StackEvents"]:
                if event["Timestamp"] <= since:
                    return
                yield event

    def wait(self, *, since: datetime, tell: Callable[[str], None]) -> str | None:
        """Tell each event until the stack rests; return its status, None when it is gone.

        Args:
            since: Only what happens after this is told.
            tell: Is given one line per event.
        """
        told: set[str] = set()
        while True:
            found = self.stack()
            if found is None:
                return None
            for event in sorted(self.events(since=since), key=lambda event: event["Timestamp"]):
                if event["EventId"] not in told:
                    told.add(event["EventId"])
                    reason = event.get("ResourceStatusReason", "")
                    tell(f"{event['ResourceStatus']:<20} {event['LogicalResourceId']} {reason}".rstrip())
            if not found["StackStatus"].endswith("_IN_PROGRESS"):
                return str(found["StackStatus"])
            time.sleep(_POLL_SECONDS)


def outputs_of(stack: dict[str, Any]) -> dict[str, str]:
    """The outputs of a stack by name."""
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}


def plain_words(error: Exception) -> str:
    """What a failed AWS call means to whoever typed the command."""
    if isinstance(error, NoCredentialsError):
        return "No AWS credentials were found. Sign in (`aws sso login`), or set AWS_PROFILE."
    if isinstance(error, EndpointConnectionError):
        return f"AWS cannot be reached: {error}. Check the network, the region and AWS_ENDPOINT_URL."
    if isinstance(error, ClientError):
        said = error.response["Error"]
        if said["Code"] in {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId"}:
            return f"The AWS credentials are not valid any more ({said['Code']}). Sign in again (`aws sso login`)."
        return f"AWS refused {error.operation_name}: {said['Code']}: {said['Message']}"
    return f"AWS cannot be asked: {error}"
