"""The migrations there are. One that was released stays as it is; a further one gets the next number."""

from __future__ import annotations

from collections.abc import Callable

from smyth.platform.agents import Agents
from smyth.platform.migrations import Migration
from smyth.platform.tenants import Tenants

#: So few that a step is over in a second or two.
_AGENTS_A_STEP = 20


def migrations(tenants: Tenants, agents: Agents) -> tuple[Migration, ...]:
    """Return all migrations, in order."""
    return (Migration(1, "agents-claim-their-slugs", _claim_slugs(tenants, agents)),)


def _claim_slugs(tenants: Tenants, agents: Agents) -> Callable[[str], str]:
    """Agents of earlier versions claimed no slug, so two of a tenant could bear the same.

    Whoever is listed claims one. Tenants that come into being meanwhile need no step: their agents claim theirs.
    """

    def step(cursor: str) -> str:
        tenant_id, _, after = cursor.partition("/")
        if not tenant_id:
            return _next_tenant(tenants, after="")
        _, behind = agents.search(tenant_id, limit=_AGENTS_A_STEP, after=after)
        return f"{tenant_id}/{behind}" if behind else _next_tenant(tenants, after=tenant_id)

    return step


def _next_tenant(tenants: Tenants, after: str) -> str:
    found, _ = tenants.page(limit=1, after=after)
    return f"{found[0].id}/" if found else ""
