"""The audit: who did what, as pages, and the whole chain for keeping and checking elsewhere."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal

from fastapi import Query, Response

from smyth.http.answers.audit import AuditEntry
from smyth.http.answers.page import Page
from smyth.http.app import JSON_LINES, create_app, lambda_handler
from smyth.http.caller import AnyCaller, Caller
from smyth.http.paging import Cursor, Limit, page, read_cursor, write_cursor
from smyth.http.services import services
from smyth.platform.audit import OPERATOR_CHAIN, Wanted
from smyth.platform.errors import Forbidden, Invalid
from smyth.platform.ids import TENANT, is_id
from smyth.platform.times import rfc3339
from smyth.platform.usage import moment

#: So many entries of the largest kind are an answer that a function can carry.
_EXPORT_AT_ONCE = 2000
_NEXT_HEADER = "x-next-cursor"

Text = Annotated[str, Query(max_length=200)]
OfTenant = Annotated[str | None, Query(description="Only the operator names one; without it: the operator's own.")]

app = create_app("audit")


@app.get("/api/audit", response_model=Page[AuditEntry])
def listing(
    caller: AnyCaller,
    tenant_id: OfTenant = None,
    start: Annotated[str | None, Query(alias="from", description="First day or time.")] = None,
    end: Annotated[str | None, Query(alias="to", description="Last day, or the time before which it ends.")] = None,
    action: Annotated[Text, Query(description="Text in the action, such as DELETE or /api/keys.")] = "",
    actor: Annotated[Text, Query(description="Id of a key, or a person.")] = "",
    target: Annotated[Text, Query(description="Text in what it was done to.")] = "",
    outcome: Literal["", "done", "refused"] = "",
    limit: Limit = 20,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Newest first. A page may be short, or empty, though another follows."""
    since, until = moment(start), moment(end, closing=True)
    wanted = Wanted(
        since=rfc3339(since) if since else "",
        until=rfc3339(until) if until else "",
        action=action,
        actor=actor,
        target=target,
        outcome=outcome,
    )
    after = read_cursor(cursor, _is_place)
    found, place = services().audit.page(_chain(caller, tenant_id), wanted, limit=limit, after=after)
    return page([entry.document() for entry in found], place)


@app.get(
    "/api/audit/export",
    response_class=Response,
    responses={
        200: {
            "description": "Entries as lines of JSON, oldest first; behind the last one a line with the chain's end.",
            "content": {JSON_LINES: {"schema": {"type": "string"}}},
            "headers": {_NEXT_HEADER: {"schema": {"type": "string"}, "description": "There is more: ask for it."}},
        }
    },
)
def export(
    caller: AnyCaller,
    tenant_id: OfTenant = None,
    limit: Annotated[int, Query(ge=1, le=_EXPORT_AT_ONCE)] = _EXPORT_AT_ONCE,
    cursor: Cursor = "",
) -> Response:
    """Keep it elsewhere: `smyth audit verify` checks it, and finds what was changed, taken away or put in."""
    chain = _chain(caller, tenant_id)
    part, place, head = services().audit.export(chain, limit=limit, after=read_cursor(cursor, _is_place))
    lines = [json.dumps(entry.document(), default=str) for entry in part]
    headers = {"content-disposition": f'attachment; filename="audit-{chain}.jsonl"'}
    if place:
        headers[_NEXT_HEADER] = write_cursor(place)
    if head is not None:
        lines.append(json.dumps({"head": {"chain": chain, "seq": head.seq, "hash": head.hash}}))
    return Response("".join(f"{line}\n" for line in lines), media_type=JSON_LINES, headers=headers)


def _chain(caller: Caller, named: str | None) -> str:
    """Return whose chain is meant: the caller's own, or for the operator the one that is named."""
    if caller.tenant_id:
        if named not in (None, caller.tenant_id):
            raise Forbidden("Only the operator names a tenant. Leave tenant_id out.")
        return caller.tenant_id
    if not named:
        return OPERATOR_CHAIN
    if not is_id(TENANT, named):
        raise Invalid("The tenant_id is not the id of a tenant. GET /api/tenants lists those there are.")
    return named


def _is_place(text: str) -> bool:
    return re.fullmatch(r"\d{4}-\d{2}/[^/]{1,40}", text) is not None


handler = lambda_handler(app)
