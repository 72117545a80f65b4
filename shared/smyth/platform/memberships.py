"""Which role somebody who signed in has, and in which tenant. The authorizer imports it: no pydantic here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from smyth.platform.access import ROLES

if TYPE_CHECKING:
    from smyth.connectors.identity.tokens import Person


def person_hash(person_id: str) -> str:
    """Return what a person's memberships are filed under, however long the issuer's words are."""
    return hashlib.sha256(person_id.encode()).hexdigest()


def roles_of(person: Person, memberships: Mapping[str, str]) -> dict[str, str]:
    """Return the role that a person has in each tenant.

    Membership and groups both give a role, of which the higher one counts; scopes of the token only take away.

    Args:
        person: Who signed in.
        memberships: Tenant id -> role, as members are filed.
    """
    roles = dict(memberships)
    for grant in person.grants:
        tenant_id, _, role = grant.partition(":")
        if role in ROLES and _rank(role) > _rank(roles.get(tenant_id, "")):
            roles[tenant_id] = role
    if person.scopes is None:
        return roles
    most = max(map(_rank, person.scopes))
    return {tenant_id: ROLES[min(_rank(role), most)] for tenant_id, role in roles.items()} if most >= 0 else {}


def _rank(role: str) -> int:
    return ROLES.index(role) if role in ROLES else -1
