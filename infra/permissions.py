"""What each function may touch, as one table. A function that is not named here may only write its log."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal

TableAccess = Literal["none", "read", "touch", "write"]
SecretAccess = Literal["none", "read", "write"]
QueueName = Literal["knowledge", "triggers"]


@dataclass(frozen=True, slots=True)
class Grant:
    """Rights of one function. ``touch`` changes what is there, ``write`` also makes and deletes; both may read."""

    table: TableAccess = "none"
    #: Objects under the tenants' prefix.
    bucket: Literal["none", "read", "write"] = "none"
    #: Read entries whose lease ended, by the index.
    leases: bool = False
    #: Write the audit, and nothing else of the table; who may write the table needs no more for it.
    audit: bool = False
    #: Read the operator's key.
    operator_key: bool = False
    #: Make and delete API Gateway keys (the tenants' usage identifiers) and move them between the usage plans.
    usage_keys: bool = False
    #: Invoke the function that runs users' code, which itself may do nothing.
    run_code: bool = False
    #: Add to the ledger's files, which lie beside the tenants' prefix.
    ledger: bool = False
    #: Read the whole table, and delete tenants' objects with all their versions.
    erase: bool = False
    #: Read the table's stream.
    stream: bool = False
    #: Keep events that it could not handle.
    dead_letters: bool = False
    #: Send mails from the customer's address and put events on the account's bus.
    notify: bool = False
    #: Read the keys of the customer's account at Stripe.
    stripe: bool = False
    #: Tenants' credentials. No agent may write them: tokens that it renews are in the table.
    credentials: SecretAccess = "none"
    #: Search and change vectors where they are not in the bucket.
    vectors: bool = False
    #: Make, change and delete schedules and the rules of the stack's bus.
    occasions: bool = False
    #: Queues that it puts messages into.
    sends: tuple[QueueName, ...] = ()
    #: The queue that it works off.
    takes: tuple[QueueName, ...] = ()

    @property
    def label(self) -> str:
        """What is granted, in a word; ``log`` where that is nothing."""
        said = [
            field.name if value is True else "-".join([field.name, *([value] if isinstance(value, str) else value)])
            for field in fields(self)
            if (value := getattr(self, field.name)) != field.default
        ]
        return "-".join(said) or "log"


_READ = Grant(table="read", bucket="read")
#: Reads, and tells the audit whom it refused.
_SHOW = Grant(table="read", bucket="read", audit=True)
_WRITE = Grant(table="write", bucket="write")
#: Embeds with the tenant's own credentials, and searches.
_EMBED = Grant(table="write", bucket="write", credentials="read", vectors=True)
_RUN = replace(_EMBED, run_code=True)

GRANTS: dict[str, Grant] = {
    "create_agent": _WRITE,
    "import_agent": _WRITE,
    # Touch: agents of earlier versions get their slugs when they are listed.
    "list_agents": Grant(table="touch", audit=True),
    "get_agent": _SHOW,
    "update_agent": _WRITE,
    # With an agent, what watches for its triggers goes.
    "delete_agent": replace(_WRITE, occasions=True),
    "export_agent": _SHOW,
    "run_endpoint": _RUN,
    "prompt_agent": _RUN,
    "chat_agent": _RUN,
    "stream_agent": _RUN,
    "openai_api": _RUN,
    "agent_mcp": _RUN,
    "manage_conversations": _WRITE,
    "add_skill": _WRITE,
    "list_components": Grant(audit=True),
    "list_connectors": Grant(audit=True),
    "manage_models": Grant(table="write"),
    "manage_credentials": Grant(table="write", credentials="write"),
    "search_vectors": _EMBED,
    "upsert_vectors": _EMBED,
    "manage_knowledge": replace(_EMBED, sends=("knowledge",)),
    "index_knowledge": replace(_EMBED, sends=("knowledge",), takes=("knowledge",)),
    "manage_triggers": replace(_WRITE, occasions=True, sends=("triggers",)),
    "receive_webhook": replace(_WRITE, credentials="read", sends=("triggers",)),
    # It switches off triggers whose agent is gone.
    "run_trigger": replace(_RUN, occasions=True, sends=("triggers",), takes=("triggers",)),
    "upload_file": _WRITE,
    "manage_files": _WRITE,
    "get_file": _READ,
    "get_usage": Grant(table="read", audit=True),
    "manage_billing": Grant(table="write", stripe=True),
    "read_audit": Grant(table="read", audit=True),
    "manage_keys": Grant(table="write"),
    "manage_members": Grant(table="write"),
    "manage_tenants": Grant(table="write", bucket="read", usage_keys=True),
    # Touch: it notes the day on which a key was last used.
    "authorizer": Grant(table="touch", audit=True, operator_key=True),
    # What is not what it was said to be is removed; what is, goes on to be indexed and to start agents.
    "object_created": replace(_WRITE, dead_letters=True, sends=("knowledge", "triggers")),
    # The ledger's files: what names anything of an erased tenant is taken out of them. Credentials are changed by their
    # owners' hooks when it is time; those of erased tenants go, as do their vectors, schedules and rules.
    "schedule_tick": Grant(
        table="write",
        bucket="write",
        leases=True,
        ledger=True,
        erase=True,
        dead_letters=True,
        credentials="write",
        vectors=True,
        occasions=True,
    ),
    "table_changes": Grant(
        table="write", ledger=True, stream=True, usage_keys=True, dead_letters=True, notify=True, stripe=True
    ),
    "migrate": Grant(table="write"),
}

#: The partitions of the audit (smyth/aws/audit.py), and what is done there.
AUDIT_PARTITIONS = ("T#*#A", "T#*#A#*")
AUDIT_ACTIONS = ("dynamodb:GetItem", "dynamodb:PutItem")

_TABLE_READ = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query")
TABLE_ACTIONS: dict[TableAccess, tuple[str, ...]] = {
    "none": (),
    "read": _TABLE_READ,
    "touch": (*_TABLE_READ, "dynamodb:UpdateItem"),
    "write": (
        *_TABLE_READ,
        "dynamodb:UpdateItem",
        "dynamodb:PutItem",
        "dynamodb:DeleteItem",
        "dynamodb:BatchWriteItem",
        # What a transaction reads and does not write, such as whether a new member's tenant is still there.
        "dynamodb:ConditionCheckItem",
    ),
}

STREAM_ACTIONS = (
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
)

OBJECT_ACTIONS: dict[str, tuple[str, ...]] = {
    "none": (),
    "read": ("s3:GetObject",),
    # Tags tell the lifecycle rules when a file is to go.
    "write": (
        "s3:GetObject",
        "s3:PutObject",
        "s3:PutObjectTagging",
        "s3:DeleteObject",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts",
    ),
}

_SECRET_READ = ("secretsmanager:GetSecretValue",)
SECRET_ACTIONS: dict[SecretAccess, tuple[str, ...]] = {
    "none": (),
    "read": _SECRET_READ,
    "write": (
        *_SECRET_READ,
        # The first credential of a tenant makes its secret.
        "secretsmanager:CreateSecret",
        "secretsmanager:PutSecretValue",
        "secretsmanager:TagResource",
        "secretsmanager:DeleteSecret",
    ),
}

SEND_ACTIONS = ("sqs:SendMessage",)
TAKE_ACTIONS = (
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    # A message that failed comes back later than the queue would have it.
    "sqs:ChangeMessageVisibility",
)

SCHEDULE_ACTIONS = (
    "scheduler:CreateSchedule",
    "scheduler:DeleteSchedule",
    "scheduler:GetSchedule",
    "scheduler:UpdateSchedule",
)
RULE_ACTIONS = (
    "events:DeleteRule",
    "events:DescribeRule",
    "events:DisableRule",
    "events:EnableRule",
    "events:ListTargetsByRule",
    "events:PutRule",
    "events:PutTargets",
    "events:RemoveTargets",
)
