"""Deploys an assembly on the emulator through CloudFormation, as it would be deployed in AWS."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from dataclasses import dataclass
from typing import Any

from smyth.aws.clients import client
from smyth.local.assembly import Assembly
from smyth.local.folder import LocalCloudError

_DEPLOY_SECONDS = 120.0
_POLL_SECONDS = 0.1
_NOTHING_TO_KEEP = {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED", "REVIEW_IN_PROGRESS"}


@dataclass(frozen=True, slots=True)
class Deployed:
    """What the front needs to know of the deployed stack."""

    stack: str
    api_id: str
    stage: str
    operator_secret_arn: str
    functions: dict[str, str]
    """Physical names by our function names."""


def deploy(assembly: Assembly, url: str) -> None:
    """Upload the assets, then create or update the stack and wait until it is done.

    Raises:
        LocalCloudError: The stack failed; the message names the first resource that did, and why.
    """
    _upload_assets(assembly, url)
    formation = client("cloudformation", url)
    status = stack_status(assembly.stack, url)
    if status in _NOTHING_TO_KEEP:
        formation.delete_stack(StackName=assembly.stack)
        _wait(assembly.stack, url)
        status = None
    started = time.time()
    change = formation.update_stack if status else formation.create_stack
    template_url = _upload_template(assembly, url)
    try:
        change(StackName=assembly.stack, TemplateURL=template_url, Capabilities=["CAPABILITY_NAMED_IAM"])
    except formation.exceptions.ClientError as error:
        if "No updates are to be performed" in str(error):
            return
        raise LocalCloudError(f"the stack {assembly.stack} was refused: {str(error)[:500]}") from None
    status = _wait(assembly.stack, url)
    if status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        reason = _first_failure(assembly.stack, url, since=started)
        raise LocalCloudError(f"the stack {assembly.stack} could not be deployed ({status}): {reason}")


def stack_status(stack: str, url: str) -> str | None:
    """The stack's status; None when there is no such stack."""
    formation = client("cloudformation", url)
    try:
        status: str = formation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    except formation.exceptions.ClientError:
        return None
    return None if status == "DELETE_COMPLETE" else status


def look_up(stack: str, url: str) -> Deployed:
    """Read the outputs of a deployed stack."""
    [found] = client("cloudformation", url).describe_stacks(StackName=stack)["Stacks"]
    said = {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}
    return Deployed(
        stack, said["ApiId"], said["StageName"], said["OperatorSecretArn"], json.loads(said["FunctionNames"])
    )


def function_environment(function: str, url: str) -> dict[str, str]:
    """The environment variables that a deployed function gets, by its physical name."""
    configuration = client("lambda", url).get_function_configuration(FunctionName=function)
    variables: dict[str, str] = configuration.get("Environment", {}).get("Variables", {})
    return variables


def operator_key(deployed: Deployed, url: str) -> str:
    """The stack's operator key, out of its secret."""
    secret = client("secretsmanager", url).get_secret_value(SecretId=deployed.operator_secret_arn)
    key: str = secret["SecretString"]
    return key


def _upload_assets(assembly: Assembly, url: str) -> None:
    store = client("s3", url)
    for bucket in {asset.bucket for asset in assembly.assets}:
        with contextlib.suppress(store.exceptions.BucketAlreadyOwnedByYou, store.exceptions.BucketAlreadyExists):
            store.create_bucket(Bucket=bucket)
    for asset in assembly.assets:
        try:
            store.head_object(Bucket=asset.bucket, Key=asset.key)
        except store.exceptions.ClientError:
            store.put_object(Bucket=asset.bucket, Key=asset.key, Body=asset.content())


def _upload_template(assembly: Assembly, url: str) -> str:
    """Put the template beside the assets; a request could not carry it."""
    body = json.dumps(assembly.template).encode()
    bucket, key = assembly.assets[0].bucket, f"{hashlib.sha256(body).hexdigest()}.json"
    client("s3", url).put_object(Bucket=bucket, Key=key, Body=body)
    return f"{url}/{bucket}/{key}"


def _wait(stack: str, url: str) -> str | None:
    deadline = time.monotonic() + _DEPLOY_SECONDS
    while time.monotonic() < deadline:
        status = stack_status(stack, url)
        if status is None or not status.endswith("_IN_PROGRESS"):
            return status
        time.sleep(_POLL_SECONDS)
    raise LocalCloudError(f"the stack {stack} was not done after {_DEPLOY_SECONDS:.0f} s; see logs/emulator.log")


def _first_failure(stack: str, url: str, *, since: float) -> str:
    events: list[dict[str, Any]] = client("cloudformation", url).describe_stack_events(StackName=stack)["StackEvents"]
    failed = [
        event
        for event in events
        if event["ResourceStatus"].endswith("_FAILED")
        and event["Timestamp"].timestamp() >= since - 1
        and event["ResourceType"] != "AWS::CloudFormation::Stack"
    ]
    if not failed:
        return "no resource told why; see logs/emulator.log"
    first = min(failed, key=lambda event: event["Timestamp"])
    return f"{first['LogicalResourceId']} ({first['ResourceType']}): {first.get('ResourceStatusReason', 'no reason')}"
