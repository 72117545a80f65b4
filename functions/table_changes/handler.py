"""What follows from a change of the table: the ledger's files, alerts, the fence of API Gateway, Stripe's meter.

A batch may come again, in parts or late: nothing here is done twice by that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger

from smyth.aws.stream import Changes, read
from smyth.http.services import services
from smyth.platform.errors import Forbidden, NotFound
from smyth.platform.ledger_export import export
from smyth.platform.tenants import Tenant

logger = Logger(service="smyth")


class BadEvent(ValueError):
    """The event is none that this function was made for; it ends in the dead letters."""


def handler(event: Any, context: Any) -> dict[str, int]:
    """Do what a batch of the table's stream asks for.

    Raises:
        BadEvent: The event is no batch of the table's stream.
    """
    try:
        changes = read(event["Records"])
    except (TypeError, KeyError, ValueError) as error:
        raise BadEvent(f"Expected a batch of the table's stream, but {error}.") from None
    exported = export(services().ledger_files, changes.ended)
    for tenant_id in sorted(changes.moved):
        _with(tenant_id, lambda tenant: services().fence.place(tenant, tenant.plan))
    _check(changes)
    tried = asyncio.run(_deliver(changes))
    # Last, for Stripe may be away: then the batch comes again, and all before is done.
    services().checkout.report_usage(changes.ended)
    logger.info("table changes", exported=exported, moved=len(changes.moved), alerts=tried)
    return {"exported": exported, "moved": len(changes.moved), "alerts": tried}


def _check(changes: Changes) -> None:
    """Look at what was counted and spent; what is found becomes an alert, which the stream brings back."""
    rules = services().alert_rules
    for tenant_id in sorted(changes.metered):
        _with(tenant_id, rules.check_quota)
    for tenant_id, scopes in sorted(changes.spent.items()):
        _with(tenant_id, partial(rules.check_budgets, scopes=scopes))
    for tenant_id in sorted(changes.spenders):
        _with(tenant_id, rules.check_spending)


def _with(tenant_id: str, work: Callable[[Tenant], Any]) -> None:
    """Do something for a tenant, unless it is gone or on a plan that is."""
    try:
        work(services().tenants.get(tenant_id))
    except (NotFound, Forbidden) as error:
        logger.info("passed over", tenant_id=tenant_id, reason=error.detail)


async def _deliver(changes: Changes) -> int:
    """Try the alerts that want it, all at once: one slow receiver keeps no other waiting."""
    delivery = services().alert_delivery
    tried = await asyncio.gather(*(delivery.deliver(*alert) for alert in sorted(changes.alerts)))
    await services().http.close()
    return sum(alert is not None for alert in tried)
