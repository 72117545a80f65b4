"""Tells API Gateway who sends a request: a tenant's key, or the operator's.

Runs before every request, so it imports neither the web framework nor pydantic.
What the caller may do is checked by the functions (:mod:`smyth.platform.access`).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from functools import cache
from typing import Any

from smyth.aws.access import DynamoAccess
from smyth.aws.secrets import StackSecret
from smyth.aws.table import Table
from smyth.http.settings import settings
from smyth.platform.access import OPERATOR, Caller, presented_key
from smyth.platform.times import utc_now

#: What every tenant's key begins with; anything else can only be the operator's.
TENANT_KEY_PREFIX = "smyth_"


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer with a policy, the caller's context, and the tenant's usage identifier."""
    started = time.perf_counter()
    caller = _find(presented_key(event.get("headers") or {}))
    _log(event, caller, time.perf_counter() - started)
    if caller is None:
        raise Exception("Unauthorized")  # The one text that API Gateway turns into a 401.
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": event["methodArn"]}
    answer = {
        "principalId": caller.key_id,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": caller.to_context(),
    }
    return answer | ({"usageIdentifierKey": caller.usage_identifier} if caller.usage_identifier else {})


def _find(key: str) -> Caller | None:
    if not key:
        return None
    if key.startswith(TENANT_KEY_PREFIX):
        return _access().find(hashlib.sha256(key.encode()).hexdigest(), utc_now())
    if hmac.compare_digest(key.encode(), _operator_key().value().encode()):
        return Caller(tenant_id="", role=OPERATOR, key_id=OPERATOR)
    return None


@cache
def _access() -> DynamoAccess:
    return DynamoAccess(Table(settings().table_name))


@cache
def _operator_key() -> StackSecret:
    return StackSecret(settings().operator_secret_arn)


def _log(event: dict[str, Any], caller: Caller | None, seconds: float) -> None:
    """Write one line, without powertools' logger: its import costs more than all of this function."""
    line = {
        "level": "INFO",
        "message": "authorized" if caller else "refused",
        "service": "smyth",
        "method": event.get("httpMethod"),
        "route": event.get("resource"),
        "tenant_id": caller.tenant_id if caller else None,
        "key_id": caller.key_id if caller else None,
        "ms": round(seconds * 1000, 1),
    }
    print(json.dumps(line))
