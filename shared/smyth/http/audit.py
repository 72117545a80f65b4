"""Every change and every refusal of a function goes into the audit before it is answered."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import asdict, replace
from typing import Any

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smyth.http import problems
from smyth.http.caller import Caller, known_caller, source_ip
from smyth.http.services import services
from smyth.platform.access import OPERATOR, known_routes, route_name
from smyth.platform.audit import Event
from smyth.platform.routes import Route

logger = logging.getLogger(__name__)

REFUSALS = {401, 402, 403, 429}

#: Of larger bodies the names of members are not kept.
_READ_BYTES = 64 * 1024
_FIELDS, _FIELD_LENGTH, _TARGET_LENGTH = 20, 64, 500


class Audited:
    """Holds the answer of a change or a refusal back until it is written down; all else passes as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent = bytearray()
        held: list[Message] = []

        async def listen() -> Message:
            message = await receive()
            if len(sent) <= _READ_BYTES:
                sent.extend(message.get("body", b""))
            return message

        async def hold(message: Message) -> None:
            begins = message["type"] == "http.response.start"
            if not held and not (begins and _is_told(scope, message)):
                await send(message)
                return
            held.append(message)
            if not begins and not message.get("more_body"):
                await _tell(scope, _members(bytes(sent)), held)
                for one in held:
                    await send(one)

        await self.app(scope, listen, hold)


async def record_refusal(request: Request, status: int, code: str) -> None:
    """Write down a refusal that is told inside of a good answer, as some protocols do."""
    if status in REFUSALS:
        caller = known_caller(request)
        await _write([_event(request.scope, caller, status, code)], refused=True)


def _is_told(scope: Scope, start: Message) -> bool:
    status: int = start["status"]
    if status in REFUSALS:
        return True
    route = _route(scope)
    replayed = "idempotency-replayed" in Headers(raw=start["headers"])
    return route is not None and route.changes and 200 <= status < 300 and not replayed


def _route(scope: Scope) -> Route | None:
    path = getattr(scope.get("route"), "path", "")
    return known_routes().get(route_name(scope["method"], path))


async def _tell(scope: Scope, sent: dict[str, Any], held: list[Message]) -> None:
    status = held[0]["status"]
    caller = known_caller(Request(scope))
    event = _event(scope, caller, status, scope.get(problems.IN_SCOPE, ""))
    if status in REFUSALS:
        await _write([event], refused=True)
        return
    if status == 201:
        made = _members(b"".join(message.get("body", b"") for message in held[1:])).get("id")
        event = replace(event, target=_text(f"{event.target}/{made}") if made else event.target)
    names = tuple(sorted(_text(name, _FIELD_LENGTH) for name in sent)[:_FIELDS])
    event = replace(event, fields=names)
    await _write([event, *_for_tenant(scope, caller, sent, event)], refused=False)


def _for_tenant(scope: Scope, caller: Caller | None, sent: dict[str, Any], event: Event) -> list[Event]:
    """Return what a tenant's own chain is told of the operator's change of it."""
    if caller is None or caller.role != OPERATOR:
        return []
    path, query = scope.get("path_params") or {}, Request(scope).query_params
    named = path.get("tenant_id") or query.get("tenant_id") or sent.get("tenant_id")
    # The chain of a tenant that is being erased goes with the tenant.
    erased = scope["method"] == "DELETE" and event.action.endswith("/{tenant_id}")
    return [] if not named or erased else [replace(event, tenant_id=str(named))]


def _event(scope: Scope, caller: Caller | None, status: int, code: str) -> Event:
    path = getattr(scope.get("route"), "path", scope["path"])
    return Event(
        tenant_id=caller.tenant_id if caller else "",
        action=_text(f"{scope['method']} {path}"),
        outcome="refused" if status in REFUSALS else "done",
        target=_text(scope["path"]),
        status=status,
        code=code,
        actor=caller.key_id if caller else "",
        role=caller.role if caller else "",
        subject=caller.subject if caller else "",
        acting_for=caller.acting_for if caller else "",
        source_ip=source_ip(Request(scope)),
        request_id=scope["smyth.request_id"],
    )


async def _write(events: list[Event], *, refused: bool) -> None:
    """Write events; what cannot be written goes into the log whole, for the request is done already."""
    for event in events:
        audit = services().audit
        try:
            await asyncio.to_thread(audit.record_refusal if refused else audit.record, event)
        except Exception:
            logger.exception("not audited: %s", json.dumps(asdict(event)))


def _text(said: str, length: int = _TARGET_LENGTH) -> str:
    """Return the beginning of a text, without halves of characters, which no store takes."""
    return said[:length].encode("utf-8", "replace").decode()


def _members(body: bytes) -> dict[str, Any]:
    """Return the members of a JSON object; none where it is something else, or too large."""
    if not body[:64].lstrip().startswith(b"{") or len(body) > _READ_BYTES:
        return {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
