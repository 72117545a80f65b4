"""Triggers for tests: a tenant with an agent, and the queue as Lambda hands it to the worker."""

from __future__ import annotations

import json
import os
from typing import Any

import boto3

from tests.integration.events import OPERATOR, Context, LambdaContext, call, caller_context, handler
from tests.integration.hash_agents import import_agent

#: The receipt of a message that a test has written itself.
NEVER_SENT = "none"


def tenant(plan: str = "basic", **fields: Any) -> Context:
    """Make a tenant and return its owner."""
    made = call("POST", "/api/tenants", body={"name": "Triggered", "plan": plan, **fields}, caller=OPERATOR)
    assert made.status == 201, made.content
    return caller_context(made.json()["id"], plan=plan)


def hasher(caller: Context) -> str:
    """Make an agent that hashes; return its id."""
    agent_id: str = import_agent(caller)["id"]
    return agent_id


def make(caller: Context, rule: dict[str, Any], agent_id: str = "", **fields: Any) -> dict[str, Any]:
    """Make a trigger; by default one that hashes the name of what was delivered."""
    body = {
        "name": "Watch",
        "agent_id": agent_id or hasher(caller),
        "rule": rule,
        "target": {"skill": "hash", "input": {"data": "{{name}}"}},
        **fields,
    }
    answer = call("POST", "/api/triggers", body=body, caller=caller)
    assert answer.status == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


def sqs() -> Any:
    """A client of the queue."""
    return boto3.client("sqs")


def take(trigger_id: str, *, wait_s: int = 1) -> list[dict[str, Any]]:
    """Take the messages for a trigger off the queue, as Lambda gets them; those for others are dropped."""
    records = []
    queue = os.environ["TRIGGER_QUEUE_URL"]
    while (
        found := sqs()
        .receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=wait_s, VisibilityTimeout=60)
        .get("Messages")
    ):
        wait_s = 0
        for message in found:
            if json.loads(message["Body"])["trigger_id"] == trigger_id:
                records.append(_record(message))
            else:
                sqs().delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return records


def _record(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": {"ApproximateReceiveCount": "1"},
        "eventSource": "aws:sqs",
    }


def work(*records: dict[str, Any]) -> list[str]:
    """Have the worker do messages; delete those that it did and return the ids of those that come again."""
    told = handler("run_trigger")({"Records": list(records)}, LambdaContext())
    again = [one["itemIdentifier"] for one in told["batchItemFailures"]]
    for record in records:
        if record["messageId"] not in again and record["receiptHandle"] != NEVER_SENT:
            sqs().delete_message(QueueUrl=os.environ["TRIGGER_QUEUE_URL"], ReceiptHandle=record["receiptHandle"])
    return again


def runs(caller: Context, trigger_id: str) -> list[dict[str, Any]]:
    """Return the history of a trigger."""
    items: list[dict[str, Any]] = call("GET", f"/api/triggers/{trigger_id}/runs", caller=caller).json()["items"]
    return items
