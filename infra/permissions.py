"""What each function may touch, as one table. A function that is not named here may only write its log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Access = Literal["none", "read", "write"]


@dataclass(frozen=True, slots=True)
class Grant:
    """Rights of one function; ``write`` includes ``read``."""

    table: Access = "none"
    #: Objects under the tenants' prefix.
    bucket: Access = "none"
    #: Read the operator's key.
    operator_key: bool = False
    #: Make API Gateway keys (the tenants' usage identifiers) and attach them to the usage plans.
    usage_keys: bool = False


_READ = Grant(table="read", bucket="read")
_WRITE = Grant(table="write", bucket="write")

GRANTS: dict[str, Grant] = {
    "create_agent": _WRITE,
    "import_agent": _WRITE,
    "list_agents": Grant(table="read"),
    "get_agent": _READ,
    "update_agent": _WRITE,
    "delete_agent": _WRITE,
    "export_agent": _READ,
    "run_endpoint": _WRITE,
    "prompt_agent": _WRITE,
    "chat_agent": _WRITE,
    "stream_agent": _WRITE,
    "add_skill": _WRITE,
    "list_connectors": Grant(table="read"),
    "search_vectors": _WRITE,
    "upsert_vectors": _WRITE,
    "upload_file": _WRITE,
    "get_usage": Grant(table="read"),
    "manage_keys": Grant(table="write"),
    "manage_tenants": Grant(table="write", usage_keys=True),
    "authorizer": Grant(table="read", operator_key=True),
    "object_created": Grant(table="write", bucket="read"),
    "schedule_tick": Grant(table="write", bucket="read"),
}

TABLE_ACTIONS: dict[Access, tuple[str, ...]] = {
    "none": (),
    "read": ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"),
    "write": (
        "dynamodb:GetItem",
        "dynamodb:BatchGetItem",
        "dynamodb:Query",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:ConditionCheckItem",
    ),
}

OBJECT_ACTIONS: dict[Access, tuple[str, ...]] = {
    "none": (),
    "read": ("s3:GetObject",),
    "write": ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"),
}
