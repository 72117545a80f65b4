"""Members and invitations in the table.

=============  =====================  ======================
item           partition              sort key
=============  =====================  ======================
member         ``PERSON#<sha256>``    ``T#<tenant>``
for listing    ``T#<tenant>``         ``MEMBER#<member>``
invitation     ``INVITE#<sha256>``    ``META``
for listing    ``T#<tenant>``         ``INVITATION#<id>``
=============  =====================  ======================

The authorizer finds all memberships of a person in one partition, by the hash of who they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from smyth.aws.table import ConditionFailed, Item, Table, Write, delete, key, put_new, update
from smyth.platform.members import Invitation, Member
from smyth.platform.memberships import person_hash
from smyth.platform.times import rfc3339

#: Invitations go a day after their end.
_KEPT = timedelta(days=1)


class DynamoMembers:
    """A :class:`~smyth.platform.members.MemberStore` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def invite(self, invitation: Invitation) -> Invitation:
        """See :meth:`smyth.platform.members.MemberStore.invite`."""
        ends = {"expires_at": int((invitation.valid_until + _KEPT).timestamp())}
        times = {"created_at": rfc3339(invitation.created_at), "valid_until": rfc3339(invitation.valid_until)}
        item = _invitation_at(invitation.sha256) | invitation.model_dump() | times | ends
        listing = _invited(invitation.tenant_id, invitation.id) | {"sha256": invitation.sha256} | ends
        if not self._done([put_new(item), put_new(listing)]):
            return self.invitation(invitation.sha256) or invitation
        return invitation

    def invitation(self, sha256: str) -> Invitation | None:
        """See :meth:`smyth.platform.members.MemberStore.invitation`."""
        at = _invitation_at(sha256)
        item = self._table.get(at["pk"], at["sk"])
        return Invitation.model_validate(item) if item else None

    def invitations(self, tenant_id: str, after: str = "") -> Iterator[Invitation]:
        """See :meth:`smyth.platform.members.MemberStore.invitations`."""
        listed = self._newest_first(tenant_id, "INVITATION#", after)
        for item in self._table.follow(listed, lambda entry: _invitation_at(entry["sha256"])):
            yield Invitation.model_validate(item)

    def withdraw(self, tenant_id: str, invitation_id: str) -> bool:
        """See :meth:`smyth.platform.members.MemberStore.withdraw`."""
        at = _invited(tenant_id, invitation_id)
        listed = self._table.get(at["pk"], at["sk"])
        if listed is None:
            return False
        return self._done([delete(_invitation_at(listed["sha256"]), condition="attribute_exists(#pk)"), delete(at)])

    def join(self, invitation: Invitation, member: Member) -> bool:
        """See :meth:`smyth.platform.members.MemberStore.join`."""
        accept = update(
            _invitation_at(invitation.sha256),
            "SET #accepted_by = :person",
            {"person": member.person, "nobody": ""},
            condition="#accepted_by = :nobody",
        )
        item = _member_at(member.person, member.tenant_id) | member.model_dump()
        listing = _listed(member.tenant_id, member.id) | {"person": member.person}
        # Nobody joins a tenant that is suspended, or being erased.
        active = Write(
            "ConditionCheck", key(f"T#{member.tenant_id}", "META"), "", "#status = :active", {"active": "active"}
        )
        return self._done([active, accept, put_new(item | {"joined_at": rfc3339(member.joined_at)}), put_new(listing)])

    def member(self, tenant_id: str, member_id: str) -> Member | None:
        """See :meth:`smyth.platform.members.MemberStore.member`."""
        at = _listed(tenant_id, member_id)
        listed = self._table.get(at["pk"], at["sk"])
        return self.of_person(listed["person"], tenant_id) if listed else None

    def of_person(self, person: str, tenant_id: str) -> Member | None:
        """See :meth:`smyth.platform.members.MemberStore.of_person`."""
        at = _member_at(person, tenant_id)
        item = self._table.get(at["pk"], at["sk"])
        return Member.model_validate(item) if item else None

    def members(self, tenant_id: str, after: str = "") -> Iterator[Member]:
        """See :meth:`smyth.platform.members.MemberStore.members`."""
        listed = self._newest_first(tenant_id, "MEMBER#", after)
        for item in self._table.follow(listed, lambda entry: _member_at(entry["person"], tenant_id)):
            yield Member.model_validate(item)

    def change(self, known: Member, changed: Member) -> bool:
        """See :meth:`smyth.platform.members.MemberStore.change`."""
        values = {"name": changed.name, "role": changed.role} | _known(known)
        at = _member_at(known.person, known.tenant_id)
        return self._done([update(at, "SET #name = :name, #role = :role", values, condition=_UNCHANGED)])

    def remove(self, known: Member) -> bool:
        """See :meth:`smyth.platform.members.MemberStore.remove`."""
        at = _member_at(known.person, known.tenant_id)
        return self._done(
            [delete(at, condition=_UNCHANGED, values=_known(known)), delete(_listed(known.tenant_id, known.id))]
        )

    def _newest_first(self, tenant_id: str, prefix: str, after: str) -> Iterator[Item]:
        behind = f"{prefix}{after}" if after else ""
        return self._table.query(f"T#{tenant_id}", prefix=prefix, newest_first=True, after=behind)

    def _done(self, writes: list[Write]) -> bool:
        try:
            self._table.transact(writes)
        except ConditionFailed:
            return False
        return True


_UNCHANGED = "#id = :known AND #role = :had"


def _known(known: Member) -> dict[str, Any]:
    return {"known": known.id, "had": known.role}


def _member_at(person: str, tenant_id: str) -> Item:
    return key(f"PERSON#{person_hash(person)}", f"T#{tenant_id}")


def _listed(tenant_id: str, member_id: str) -> Item:
    return key(f"T#{tenant_id}", f"MEMBER#{member_id}")


def _invitation_at(sha256: str) -> Item:
    return key(f"INVITE#{sha256}", "META")


def _invited(tenant_id: str, invitation_id: str) -> Item:
    return key(f"T#{tenant_id}", f"INVITATION#{invitation_id}")
