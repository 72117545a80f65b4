"""Refusals at the door go into the operator's audit: nobody knows yet whose they would be."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from smyth.aws.table import Table

#: Why an address is refused whatever it shows.
TOO_MANY = "too_many_attempts"


def audit_refusal(table: Table, event: dict[str, Any], reason: str, source_ip: str) -> None:
    """Write a refusal down, the same one of an address once a minute; the refusal stands even where that fails."""
    # Here, so that a good key's request does not wait for it.
    from smyth.aws.audit import DynamoAudit
    from smyth.platform.audit import Audit, Event

    context = event.get("requestContext") or {}
    refused = Event(
        tenant_id="",
        action=f"{event.get('httpMethod')} {event.get('resource')}",
        outcome="refused",
        target=str(event.get("path") or "")[:500],
        status=429 if reason == TOO_MANY else 401,
        code=reason,
        source_ip=source_ip,
        request_id=str(context.get("requestId") or ""),
    )
    try:
        Audit(DynamoAudit(table)).record_refusal(refused)
    except Exception as error:
        print(json.dumps({"level": "ERROR", "message": "not audited", "error": repr(error)[:500]} | asdict(refused)))
