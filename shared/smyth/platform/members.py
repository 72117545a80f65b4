"""Members: people and machines who sign in with tokens, what they may do, and how they are invited."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import Annotated, Literal, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from smyth.platform.access import OPERATOR, ROLES, Caller
from smyth.platform.errors import Conflict, Forbidden, NotFound
from smyth.platform.ids import is_id, new_id
from smyth.platform.keys import PREFIX as KEY_PREFIX
from smyth.platform.keys import Role, derived_secret, hash_secret
from smyth.platform.names import Name
from smyth.platform.times import Clock, rfc3339, utc_now

MEMBER, INVITATION = "mem", "inv"
#: Makes a leaked code recognisable.
PREFIX = "invite_"

_ADDRESS = re.compile(r"[^\s@<>\"\x00-\x1f\x7f]{1,64}@[^\s@<>\"\x00-\x1f\x7f]+\.[^\s@<>\"\x00-\x1f\x7f.]+")


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text.strip()):
        raise ValueError("this is no e-mail address; write it like ada@example.com")
    return text.strip().lower()


class NewInvitation(BaseModel):
    """What an invitation is made from."""

    model_config = ConfigDict(extra="forbid")

    name: Name = Field(description="Who is meant; the member will bear this name.")
    role: Role
    email: Annotated[str, Field(max_length=254), AfterValidator(_address)] | None = Field(
        default=None, description="Only who signs in with this verified address may accept. Leave it out for a machine."
    )
    valid_days: int = Field(default=7, ge=1, le=30, description="How long it may be accepted.")
    #: Only the operator names a tenant.
    tenant_id: str | None = None


class Acceptance(BaseModel):
    """What accepts an invitation."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(min_length=1, max_length=200, description="As it was shown when the invitation was made.")


class MemberChanges(BaseModel):
    """What a member may be changed by."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    role: Role | None = None


class Invitation(BaseModel):
    """An invitation without its code."""

    model_config = ConfigDict(frozen=True)

    id: str
    tenant_id: str
    name: str
    role: Role
    email: str = ""
    sha256: str
    created_at: datetime
    #: The key or member that made it.
    created_by: str
    valid_until: datetime
    #: Who accepted it; empty until then.
    accepted_by: str = ""


class Member(BaseModel):
    """Somebody who may act in a tenant after signing in."""

    model_config = ConfigDict(frozen=True)

    id: str
    tenant_id: str
    #: The issuer, ``#``, and the issuer's word for them.
    person: str
    name: str
    role: Role
    kind: Literal["person", "machine"]
    email: str = ""
    joined_at: datetime
    #: Who invited them.
    invited_by: str


class MemberStore(Protocol):
    """Where members and invitations live."""

    def invite(self, invitation: Invitation) -> Invitation:
        """Write a new invitation and return it, or the one that a repeated request has made before."""
        ...

    def invitation(self, sha256: str) -> Invitation | None:
        """Return an invitation by the hash of its code."""
        ...

    def invitations(self, tenant_id: str, after: str = "") -> Iterable[Invitation]:
        """Yield the tenant's invitations behind the id ``after``, newest first, accepted ones too."""
        ...

    def withdraw(self, tenant_id: str, invitation_id: str) -> bool:
        """Delete an invitation; False when it is gone already."""
        ...

    def join(self, invitation: Invitation, member: Member) -> bool:
        """Mark the invitation as accepted and write the member, both or none; False when the tenant is not active,
        or when either cannot be."""
        ...

    def member(self, tenant_id: str, member_id: str) -> Member | None:
        """Return a member by its id."""
        ...

    def of_person(self, person: str, tenant_id: str) -> Member | None:
        """Return a person's membership in a tenant."""
        ...

    def members(self, tenant_id: str, after: str = "") -> Iterable[Member]:
        """Yield the tenant's members behind the id ``after``, who joined last first."""
        ...

    def change(self, known: Member, changed: Member) -> bool:
        """Write name and role of a changed member; False when the role is not the known one any more."""
        ...

    def remove(self, known: Member) -> bool:
        """Delete a member; False when the role is not the known one any more, or they are gone."""
        ...


class Members:
    """The use cases of members and invitations."""

    def __init__(self, store: MemberStore, clock: Clock = utc_now) -> None:
        self._store = store
        self._now = clock

    def invite(
        self, caller: Caller, tenant_id: str, fields: NewInvitation, *, code: str, invitation_id: str | None = None
    ) -> Invitation:
        """Make an invitation.

        Args:
            caller: Who asks; nobody gives more than they have.
            tenant_id: Where the invited will be a member.
            fields: What it is made from.
            code: What accepts it; shown once.
            invitation_id: The id, where a repeated request must make the same invitation.

        Raises:
            Forbidden: The role is above the caller's.
        """
        _check_role(caller, fields.role)
        now = self._now()
        return self._store.invite(
            Invitation(
                id=invitation_id or new_id(INVITATION),
                tenant_id=tenant_id,
                name=fields.name,
                role=fields.role,
                email=fields.email or "",
                sha256=hash_secret(code),
                created_at=now,
                created_by=caller.key_id,
                valid_until=now + timedelta(days=fields.valid_days),
            )
        )

    def accept(self, caller: Caller, code: str) -> Member:
        """Make who signed in a member; doing it again returns the same membership.

        Raises:
            Forbidden: The invitation is for another e-mail address, or for one that the token does not prove.
            NotFound: There is no such invitation, or it is over.
            Conflict: They are a member already.
        """
        invitation = self._store.invitation(hash_secret(code))
        if (
            invitation is None
            or invitation.valid_until <= self._now()
            or invitation.accepted_by not in ("", caller.subject)
        ):
            raise _no_invitation()
        if invitation.email and invitation.email != caller.email:
            raise Forbidden(_other_address(caller))
        present = self._store.of_person(caller.subject, invitation.tenant_id)
        if present is not None:
            return _same(present, invitation)
        if invitation.accepted_by:
            raise _no_invitation()  # Accepted, and removed since.
        member = self._new_member(caller, invitation)
        if self._store.join(invitation, member):
            return member
        present = self._store.of_person(caller.subject, invitation.tenant_id)
        if present is None:
            raise _no_invitation()
        return _same(present, invitation)

    def invitations(self, tenant_id: str, *, limit: int, after: str = "") -> tuple[list[Invitation], str]:
        """Return open invitations, newest first, and where the next page begins, empty at the end."""
        now = self._now()
        open_ones = (
            one for one in self._store.invitations(tenant_id, after) if not one.accepted_by and one.valid_until > now
        )
        found = list(islice(open_ones, limit + 1))
        return found[:limit], found[limit - 1].id if len(found) > limit else ""

    def withdraw(self, tenant_id: str, invitation_id: str) -> None:
        """Make an invitation useless.

        Raises:
            NotFound: The tenant has no such invitation.
        """
        if not (is_id(INVITATION, invitation_id) and self._store.withdraw(tenant_id, invitation_id)):
            raise NotFound(f"There is no invitation {invitation_id}. GET /api/invitations lists those there are.")

    def page(self, tenant_id: str, *, limit: int, after: str = "") -> tuple[list[Member], str]:
        """Return members, who joined last first, and where the next page begins, empty at the end."""
        found = list(islice(self._store.members(tenant_id, after), limit + 1))
        return found[:limit], found[limit - 1].id if len(found) > limit else ""

    def update(self, caller: Caller, tenant_id: str, member_id: str, changes: MemberChanges) -> Member:
        """Change a member's name or role; it holds from the next request on.

        Raises:
            NotFound: The tenant has no such member.
            Forbidden: The role, before or after, is above the caller's.
            Conflict: Others are changing the member.
        """
        known = self._get(tenant_id, member_id)
        changed = known.model_copy(update=changes.model_dump(exclude_none=True))
        _check_role(caller, known.role)
        _check_role(caller, changed.role)
        if changed != known and not self._store.change(known, changed):
            raise _contended(member_id)
        return changed

    def remove(self, caller: Caller, tenant_id: str, member_id: str) -> None:
        """Take a member's access away from now on. Keys that they made stay: those are the tenant's.

        Raises:
            NotFound: The tenant has no such member.
            Forbidden: The member's role is above the caller's.
            Conflict: Others are changing the member.
        """
        known = self._get(tenant_id, member_id)
        _check_role(caller, known.role)
        if not self._store.remove(known):
            raise _contended(member_id)

    def _new_member(self, caller: Caller, invitation: Invitation) -> Member:
        return Member(
            id=_member_id(invitation),
            tenant_id=invitation.tenant_id,
            person=caller.subject,
            name=invitation.name,
            role=invitation.role,
            kind="machine" if caller.machine else "person",
            email=caller.email,
            joined_at=self._now(),
            invited_by=invitation.created_by,
        )

    def _get(self, tenant_id: str, member_id: str) -> Member:
        member = self._store.member(tenant_id, member_id) if is_id(MEMBER, member_id) else None
        if member is None:
            raise NotFound(f"There is no member {member_id}. GET /api/members lists those there are.")
        return member


def derived_code(own_secret: str, salt: str) -> str:
    """Return the code that a repeated request makes again; see :func:`smyth.platform.keys.derived_secret`."""
    return PREFIX + derived_secret(own_secret, f"invitation {salt}").removeprefix(KEY_PREFIX)


def _member_id(invitation: Invitation) -> str:
    """Return the id of the member whom an invitation makes: the same for each try, so two at once make one."""
    return f"{MEMBER}-{invitation.id.partition('-')[2]}"


def _same(present: Member, invitation: Invitation) -> Member:
    """Return a member whom this very invitation has made."""
    if present.id == _member_id(invitation):
        return present
    raise Conflict(
        f"You are a member of {present.tenant_id} already, since {rfc3339(present.joined_at)}. "
        "To get another role ask an admin to change yours."
    )


def _check_role(caller: Caller, role: Role) -> None:
    if caller.role != OPERATOR and ROLES.index(role) > ROLES.index(caller.role):
        raise Forbidden(f'Your role "{caller.role}" is below "{role}". Ask somebody with that role.')


def _other_address(caller: Caller) -> str:
    if caller.email:
        return (
            f"This invitation is for another e-mail address than {caller.email}. Sign in with the one it was sent to."
        )
    return (
        "This invitation is for one e-mail address, and your token proves none. "
        "Send a token with a verified address, such as the ID token of your sign-in."
    )


def _no_invitation() -> NotFound:
    return NotFound("There is no such invitation, or it was used, withdrawn or is over. Ask for a new one.")


def _contended(member_id: str) -> Conflict:
    return Conflict(f"Others are changing the member {member_id} at the same time. Nothing was changed; try again.")
