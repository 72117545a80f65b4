"""Members and invitations: who may act in a tenant after signing in."""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import Request, Response

from smyth.http.answers.members import CreatedInvitation
from smyth.http.answers.members import Invitation as ShownInvitation
from smyth.http.answers.members import Member as ShownMember
from smyth.http.answers.page import Page
from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import AnyCaller, PersonCaller
from smyth.http.idempotency import Seed, once
from smyth.http.paging import Cursor, Limit, page, read_cursor
from smyth.http.services import services
from smyth.http.tenants import meant_tenant
from smyth.platform.access import presented_key
from smyth.platform.ids import is_id
from smyth.platform.members import (
    INVITATION,
    MEMBER,
    Acceptance,
    Invitation,
    Member,
    MemberChanges,
    NewInvitation,
    derived_code,
)
from smyth.platform.times import rfc3339

app = create_app("members")


@app.get("/api/members", response_model=Page[ShownMember])
def listing(caller: AnyCaller, tenant_id: str | None = None, limit: Limit = 20, cursor: Cursor = "") -> dict[str, Any]:
    after = read_cursor(cursor, lambda text: is_id(MEMBER, text))
    found, place = services().members.page(meant_tenant(caller, tenant_id), limit=limit, after=after)
    return page([_member(one) for one in found], place)


@app.patch("/api/members/{member_id}", response_model=ShownMember)
def change(caller: AnyCaller, member_id: str, changes: MemberChanges, tenant_id: str | None = None) -> dict[str, Any]:
    return _member(services().members.update(caller, meant_tenant(caller, tenant_id), member_id, changes))


@app.delete("/api/members/{member_id}", status_code=204)
def remove(caller: AnyCaller, member_id: str, tenant_id: str | None = None) -> None:
    services().members.remove(caller, meant_tenant(caller, tenant_id), member_id)


@app.get("/api/invitations", response_model=Page[ShownInvitation])
def invitations(
    caller: AnyCaller, tenant_id: str | None = None, limit: Limit = 20, cursor: Cursor = ""
) -> dict[str, Any]:
    after = read_cursor(cursor, lambda text: is_id(INVITATION, text))
    found, place = services().members.invitations(meant_tenant(caller, tenant_id), limit=limit, after=after)
    return page([_invitation(one) for one in found], place)


@app.post("/api/invitations", status_code=201, response_model=CreatedInvitation)
async def invite(request: Request, caller: AnyCaller, fields: NewInvitation) -> Response:
    tenant_id = meant_tenant(caller, fields.tenant_id)
    own = presented_key(request.headers)

    def code(seed: Seed) -> str:
        return derived_code(own, seed.salt)

    def make(seed: Seed) -> dict[str, Any]:
        services().tenants.get(tenant_id)
        invitation_id = f"{INVITATION}-{seed.ulid}"
        return _invitation(
            services().members.invite(caller, tenant_id, fields, code=code(seed), invitation_id=invitation_id)
        )

    # The answer's code hangs on the credential that asked, so that one alone may ask again.
    owner = f"{tenant_id}#{hashlib.sha256(own.encode()).hexdigest()}"
    return await once(request, owner, make, hidden=lambda seed: {"code": code(seed)})


@app.delete("/api/invitations/{invitation_id}", status_code=204)
def withdraw(caller: AnyCaller, invitation_id: str, tenant_id: str | None = None) -> None:
    services().members.withdraw(meant_tenant(caller, tenant_id), invitation_id)


@app.post("/api/invitations/accept", response_model=ShownMember)
def accept(caller: PersonCaller, acceptance: Acceptance) -> dict[str, Any]:
    return _member(services().members.accept(caller, acceptance.code))


def _member(member: Member) -> dict[str, Any]:
    """Return a member as they are shown; the issuer's word for them is nobody's business."""
    shown = member.model_dump(include={"id", "tenant_id", "name", "role", "kind", "invited_by"})
    return shown | {"email": member.email or None, "joined_at": rfc3339(member.joined_at)}


def _invitation(invitation: Invitation) -> dict[str, Any]:
    shown = invitation.model_dump(include={"id", "tenant_id", "name", "role", "created_by"})
    times = {"created_at": rfc3339(invitation.created_at), "expires_at": rfc3339(invitation.valid_until)}
    return shown | {"email": invitation.email or None} | times


handler = lambda_handler(app)
