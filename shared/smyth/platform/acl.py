"""Who in a tenant may do what with one thing: candidates, levels, and the check (CONNECTORS section 2).

A thing's access maps candidates to their levels. A candidate is ``user:<key or member>``, ``agent:<agent>``, ``team``
or ``public``. The team is the tenant, and nobody outside it is ever asked about: other tenants find nothing at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from smyth.platform.access import ROLES, Caller
from smyth.platform.errors import Forbidden

Level = Literal["none", "read", "write", "owner"]

TEAM = "team"
PUBLIC = "public"
#: Whoever asks, to one access or the other. What has no access of its own is the team's, as all things once were.
OF_TEAM: Mapping[str, list[Level]] = {TEAM: ["owner"]}

_CANDIDATE = re.compile(r"team|public|(user|agent):[A-Za-z0-9-]{1,100}")
_MOST_CANDIDATES = 100


def _well_formed(access: dict[str, list[Level]]) -> dict[str, list[Level]]:
    for candidate in access:
        if not _CANDIDATE.fullmatch(candidate):
            raise ValueError(
                f'"{candidate[:120]}" is no candidate. Write user:<key or member id>, agent:<id>, team or public.'
            )
    return {candidate: sorted(set(levels)) for candidate, levels in access.items()}


#: Access as callers give it.
Access = Annotated[
    dict[str, list[Level]],
    Field(
        max_length=_MOST_CANDIDATES,
        description="Who may do what: user:<key or member id>, agent:<id>, team or public -> read, write, owner, none. "
        "No level gives another, but owner gives all.",
    ),
    AfterValidator(_well_formed),
]


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for a thing."""

    candidate: str
    #: Looks after the tenant, and so after its things: what a key owned must not be lost with the key.
    manages: bool = False

    @classmethod
    def of(cls, caller: Caller) -> Asker:
        """Return the caller as a candidate; admins and owners of the tenant manage it."""
        manages = caller.role in ROLES and ROLES.index(caller.role) >= ROLES.index("admin")
        return cls(f"user:{caller.key_id}", manages)

    @classmethod
    def agent(cls, agent_id: str) -> Asker:
        """Return an agent as a candidate, whoever runs it."""
        return cls(f"agent:{agent_id}")

    def may(self, level: Level, access: Mapping[str, list[Level]] | None) -> bool:
        """Tell whether a thing with this access is open to the asker."""
        return self.manages or allows(access or OF_TEAM, self.candidate, level)

    def check(self, level: Level, access: Mapping[str, list[Level]] | None, thing: str) -> None:
        """Refuse what :meth:`may` does not allow.

        Raises:
            Forbidden: It names the owners, who can give access.
        """
        if not self.may(level, access):
            owners = ", ".join(owners_of(access or OF_TEAM)) or "an admin of the tenant"
            raise Forbidden(f"Access Denied: {self.candidate} has no {level} access to {thing}. Ask {owners} for it.")


#: The product itself, where it looks after a tenant's things.
PLATFORM = Asker("platform", manages=True)


def allows(access: Mapping[str, list[Level]], candidate: str, level: Level) -> bool:
    """Tell whether ``candidate`` has ``level``: by itself, as owner, as anybody, by its team, or by its team's owning.

    Levels do not imply each other, but an owner has all.
    """

    def has(who: str, wanted: Level) -> bool:
        return wanted in access.get(who, ())

    return (
        has(candidate, level) or has(candidate, "owner") or has(PUBLIC, level) or has(TEAM, level) or has(TEAM, "owner")
    )


def owned(access: Mapping[str, list[Level]], by: Asker) -> dict[str, list[Level]]:
    """Return the access of a new thing: the asker owns it, others have what ``access`` gives them."""
    return {**access, by.candidate: ["owner"]}


def owners_of(access: Mapping[str, list[Level]]) -> list[str]:
    """Return who owns a thing."""
    return [candidate for candidate, levels in access.items() if "owner" in levels]
