"""The lines of an invoice: plan, requests, models, packages, credits and refunds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from smyth.platform.money import share
from smyth.platform.payments import Payment
from smyth.platform.plans import Plan
from smyth.platform.rollups import Row
from smyth.platform.tenants import Tenant

LineKind = Literal[
    "plan", "trial", "included", "overage", "pay_per_use", "prepaid_use", "model", "package", "credit", "refund"
]

_PREPAID_METER = "prepaid"
_TICK = timedelta(microseconds=1)


class Line(BaseModel):
    """One line. Money in micro-USD; what is for information only costs nothing."""

    model_config = ConfigDict(frozen=True)

    kind: LineKind
    description: str
    quantity: int | None = None
    unit_price: int | None = None
    amount: int


def lines(
    tenant: Tenant,
    *,
    start: datetime,
    end: datetime,
    plans: Mapping[str, Plan],
    rows: Iterable[Row],
    payments: Iterable[Payment],
) -> list[Line]:
    """Return the lines of the month from ``start`` up to, not including, ``end``."""
    rows = list(rows)
    return [
        *_plans(tenant, start, end, plans),
        *_requests(rows),
        *_models(rows),
        *_entries(payments),
    ]


def tax_on(subtotal: int, rate: int) -> int:
    """Return the tax on a sum, ``rate`` in hundredths of a percent; where nothing is owed there is none."""
    return share(subtotal, rate, 10_000) if subtotal > 0 else 0


def _plans(tenant: Tenant, start: datetime, end: datetime, plans: Mapping[str, Plan]) -> Iterator[Line]:
    """Charge each plan for its part of the month, to the moment; the trial is free."""
    history = tenant.plan_history
    ends = [change.since for change in history[1:]] + [end]
    for change, until in zip(history, ends, strict=True):
        begins, until = max(change.since, start), min(until, end)
        plan = plans.get(change.plan)
        if begins >= until or plan is None or not plan.price_per_month:
            continue
        paid_from = min(max(begins, tenant.trial_until or begins), until)
        if begins < paid_from:
            yield Line(kind="trial", description=_span(f"Trial of {plan.name}", begins, paid_from, tenant), amount=0)
        if paid_from < until:
            amount = share(plan.price_per_month, (until - paid_from) // _TICK, (end - start) // _TICK)
            text = _span(f"Plan {plan.name}", paid_from, until, tenant)
            yield Line(kind="plan", description=text, quantity=1, unit_price=plan.price_per_month, amount=amount)


def _requests(rows: list[Row]) -> Iterator[Line]:
    """Charge requests by plan and fee; those of a plan's grant or paid in advance are told and cost nothing."""
    groups: dict[tuple[str, str, int], list[Row]] = {}
    for row in rows:
        groups.setdefault((_kind(row), row.plan, row.fee), []).append(row)
    for (kind, plan, fee), group in sorted(groups.items()):
        count = sum(row.requests for row in group)
        match kind:
            case "included":
                yield Line(kind="included", description=f"Requests within {plan}", quantity=count, amount=0)
            case "prepaid_use":
                yield Line(kind="prepaid_use", description="Requests paid in advance", quantity=count, amount=0)
            case _:
                overage = kind == "overage"
                text = f"Requests beyond the limit of {plan}" if overage else f"Requests by {plan}"
                yield Line(
                    kind="overage" if overage else "pay_per_use",
                    description=text,
                    quantity=count,
                    unit_price=fee,
                    # Requests still at work are counted and not yet charged.
                    amount=sum(row.fees for row in group),
                )


def _kind(row: Row) -> str:
    if row.meter == _PREPAID_METER:
        return "prepaid_use"
    if row.overage:
        return "overage"
    return "pay_per_use" if row.fee else "included"


def _models(rows: list[Row]) -> Iterator[Line]:
    """Charge what models cost with the plan's markup: all of a request's price that is not its fee."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.model, []).append(row)
    for model, group in sorted(groups.items()):
        amount = sum(row.price - row.fees for row in group)
        if amount:
            tokens = sum(row.input_tokens + row.output_tokens for row in group)
            text = f"Model {model or 'without a name'}, {tokens:,} tokens"
            yield Line(kind="model", description=text, quantity=sum(row.requests for row in group), amount=amount)


def _entries(payments: Iterable[Payment]) -> Iterator[Line]:
    """Charge packages, take off credits and refunds; payments are no lines, they pay what the lines sum up to."""
    for payment in sorted(payments, key=lambda payment: (payment.at, payment.id)):
        note = f": {payment.note}" if payment.note else ""
        match payment.kind:
            case "topup":
                text = f"{payment.requests:,} prepaid requests{note}"
                yield Line(kind="package", description=text, quantity=payment.requests, amount=payment.amount)
            case "grant":
                text = f"{payment.requests:,} requests, a gift{note}"
                yield Line(kind="package", description=text, quantity=payment.requests, amount=0)
            case "credit":
                yield Line(kind="credit", description=f"Credit{note}", amount=-payment.amount)
            case "refund":
                back = f" of {payment.requests:,} prepaid requests" if payment.requests else ""
                yield Line(kind="refund", description=f"Refund{back}{note}", amount=-payment.amount)


def _span(what: str, begins: datetime, until: datetime, tenant: Tenant) -> str:
    """Say from which day to which day, where the tenant lives."""
    zone = ZoneInfo(tenant.time_zone)
    first, last = begins.astimezone(zone), (until - _TICK).astimezone(zone)
    return f"{what}, {first:%Y-%m-%d} to {last:%Y-%m-%d}"
