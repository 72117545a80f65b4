"""The migrations there are. One that was released stays as it is; a further one gets the next number."""

from __future__ import annotations

from collections.abc import Callable

from smyth.platform.access import OPERATOR
from smyth.platform.agents import Agents
from smyth.platform.migrations import Migration
from smyth.platform.payments import MOST_REQUESTS, PAYMENT, NewPayment, Payments
from smyth.platform.tenants import Tenants

#: So few that a step is over in a second or two.
_AGENTS_A_STEP = 20
_TENANTS_A_STEP = 20
#: What the plan "prepaid" gave.
_PREPAID_BEFORE = 10_000


def migrations(tenants: Tenants, agents: Agents, payments: Payments) -> tuple[Migration, ...]:
    """Return all migrations, in order."""
    return (
        Migration(1, "agents-claim-their-slugs", _claim_slugs(tenants, agents)),
        Migration(2, "prepaid-tenants-are-given-their-requests", _grant_prepaid(tenants, payments)),
    )


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


def _grant_prepaid(tenants: Tenants, payments: Payments) -> Callable[[str], str]:
    """Prepaid requests of earlier versions were a limit of the plan; now they are bought or given.

    Who has neither bought nor been given any is given what the limit was: the meter keeps what was used of it. The id
    is the one of the gift at a tenant's making, so that nobody is ever given both.
    """

    def step(cursor: str) -> str:
        found, behind = tenants.page(limit=_TENANTS_A_STEP, after=cursor)
        for tenant in found:
            had = tenant.limits.get("requests_per_month", _PREPAID_BEFORE)
            if tenant.status == "erasing" or not payments.is_prepaid(tenant) or had == 0 or payments.of(tenant.id):
                continue
            requests = MOST_REQUESTS if had is None else had  # None was without limit.
            given = NewPayment(kind="grant", requests=requests, note="given by the plan of an earlier version")
            payments.record(tenant, given, by=OPERATOR, payment_id=f"{PAYMENT}-{tenant.id.partition('-')[2]}")
        return behind

    return step


def _next_tenant(tenants: Tenants, after: str) -> str:
    found, _ = tenants.page(limit=1, after=after)
    return f"{found[0].id}/" if found else ""
