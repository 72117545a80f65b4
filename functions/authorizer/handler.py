"""Tells API Gateway who sends a request: a tenant's key, somebody who signed in, or the operator.

Runs before every request, so it imports neither the web framework nor pydantic, and the library for tokens only when
a token comes. What the caller may do is checked by the functions (:mod:`smyth.platform.access`).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from smyth.aws.access import DynamoAccess
from smyth.aws.attempts import Attempts, TooManyAttempts
from smyth.aws.refusals import TOO_MANY, audit_refusal
from smyth.aws.secrets import StackSecret
from smyth.aws.table import Table
from smyth.http.settings import settings
from smyth.platform.access import OPERATOR, Caller, chosen_tenant, looks_like_token, presented_key
from smyth.platform.times import utc_now

if TYPE_CHECKING:
    from smyth.connectors.identity.tokens import Tokens

#: What every tenant's key begins with; what is no token either can only be the operator's.
TENANT_KEY_PREFIX = "smyth_"


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer with a policy, the caller's context, and the tenant's usage identifier."""
    started = time.perf_counter()
    headers = event.get("headers") or {}
    source_ip = ((event.get("requestContext") or {}).get("identity") or {}).get("sourceIp") or ""
    caller, reason = _find(presented_key(headers), source_ip, chosen_tenant(headers))
    _log(event, caller, reason, time.perf_counter() - started)
    if caller is None:
        audit_refusal(_table(), event, reason, source_ip)
    if reason == TOO_MANY:
        return _policy(event, "Deny", "nobody")  # API Gateway answers it with 429: nothing else is denied here.
    if caller is None:
        raise Exception("Unauthorized")  # The one text that API Gateway turns into a 401.
    answer = _policy(event, "Allow", caller.key_id) | {"context": caller.to_context()}
    return answer | ({"usageIdentifierKey": caller.usage_identifier} if caller.usage_identifier else {})


def _find(credential: str, source_ip: str, tenant_id: str) -> tuple[Caller | None, str]:
    """Return who shows a credential, or None and why."""
    if not credential:
        return None, "no_credential"
    try:
        caller, reason = _look_up(credential, source_ip, tenant_id)
    except TooManyAttempts:
        return None, TOO_MANY
    if caller is None:
        _attempts().failed(source_ip, utc_now())
    return caller, reason


def _look_up(credential: str, source_ip: str, tenant_id: str) -> tuple[Caller | None, str]:
    if credential.startswith(TENANT_KEY_PREFIX):
        found = _access().find(hashlib.sha256(credential.encode()).hexdigest(), source_ip, utc_now())
        return found, "" if found else "unknown_key"
    _attempts().check(source_ip, utc_now())
    if looks_like_token(credential):
        return _signed_in(credential, tenant_id)
    if hmac.compare_digest(credential.encode(), _operator_key().value().encode()):
        return Caller(tenant_id="", role=OPERATOR, key_id=OPERATOR), ""
    return None, "unknown_key"


def _signed_in(token: str, tenant_id: str) -> tuple[Caller | None, str]:
    from smyth.connectors.identity.tokens import TokenRefused

    try:
        return _access().find_person(_tokens().verify(token), tenant_id), ""
    except TokenRefused as refused:
        return None, f"token_{refused.reason}"


@cache
def _table() -> Table:
    return Table(settings().table_name)


@cache
def _attempts() -> Attempts:
    return Attempts(_table())


@cache
def _access() -> DynamoAccess:
    return DynamoAccess(_table(), _attempts())


@cache
def _tokens() -> Tokens:
    from smyth.connectors.identity.issuers import read_issuers
    from smyth.connectors.identity.tokens import Tokens

    return Tokens(read_issuers(settings().issuers, plain_http=settings().allow_private_http))


@cache
def _operator_key() -> StackSecret:
    return StackSecret(settings().operator_secret_arn)


def _policy(event: dict[str, Any], effect: str, principal: str) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    return {"principalId": principal, "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}


def _log(event: dict[str, Any], caller: Caller | None, reason: str, seconds: float) -> None:
    """Write one line, without powertools' logger: its import costs more than all of this function."""
    line = {
        "level": "INFO",
        "message": "authorized" if caller else "refused",
        "service": "smyth",
        "method": event.get("httpMethod"),
        "route": event.get("resource"),
        "tenant_id": caller.tenant_id if caller else None,
        "key_id": caller.key_id if caller else None,
        "reason": reason or None,
        "ms": round(seconds * 1000, 1),
    }
    print(json.dumps(line))
