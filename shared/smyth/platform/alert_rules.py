"""When an alert is raised: quotas and budgets that reach a level, and hours that cost far more than usual.

Rules look at what stands in the table now, not at the change that woke them, so a
repeated or late change raises nothing twice and nothing that is no longer so.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from ulid import ULID

from smyth.platform.alerts import Alert, AlertSettings, AlertStore, Kind
from smyth.platform.budgets import LEAST_ALLOWANCE
from smyth.platform.metering import Metering
from smyth.platform.money import usd
from smyth.platform.periods import month_of, period_name
from smyth.platform.rollups import beginning
from smyth.platform.tenants import Tenant
from smyth.platform.times import Clock, rfc3339, utc_now
from smyth.platform.usage import Usage

_HOUR = timedelta(hours=1)
_USUAL_DAYS = 7
#: A tenant's spending is looked at this often at the most, by one process.
_SPIKE_PAUSE = timedelta(minutes=10)


class AlertRules:
    """Looks at one tenant at a time and raises what there is to tell."""

    def __init__(self, store: AlertStore, metering: Metering, usage: Usage, clock: Clock = utc_now) -> None:
        self._store = store
        self._metering = metering
        self._usage = usage
        self._now = clock
        self._looked: dict[str, datetime] = {}

    def check_quota(self, tenant: Tenant) -> Alert | None:
        """Tell of the plan's requests, where the plan has a limit."""
        now = self._now()
        plan, limits = self._metering.terms(tenant.plan, tenant.limits)
        meter = self._metering.counted(tenant.id, plan, now, tenant.time_zone)
        limit = meter.granted if plan.prepaid else limits.requests_per_month
        level = _reached(self._store.settings(tenant.id), meter.used, limit)
        if not level or limit is None:
            return None
        if plan.prepaid:
            subject, when = "prepaid", "that were prepaid are used. Buy more in time."
        else:
            subject = period_name("month", now, tenant.time_zone)
            when = f"of this month are used. They come again at {rfc3339(month_of(now, tenant.time_zone)[1])}."
        message = f"{meter.used} of the {limit} requests {when}"
        return self._raise(tenant, "quota", subject, level, used=meter.used, limit=limit, message=message)

    def check_budgets(self, tenant: Tenant, scopes: Iterable[str]) -> list[Alert]:
        """Tell of budgets; what is only reserved is not spent."""
        now, settings = self._now(), self._store.settings(tenant.id)
        plan, _ = self._metering.terms(tenant.plan, tenant.limits)
        raised = []
        for budget in self._metering.store.budgets.all(tenant.id):
            if budget.scope not in scopes:
                continue
            spent = self._metering.store.budgets.standing(tenant.id, budget, now, tenant.time_zone).spent
            # A budget is used up where the next request no longer fits, which is before its last micro-dollar.
            full = budget.amount - spent < plan.price_per_request + LEAST_ALLOWANCE
            level = _reached(settings, budget.amount if full else spent, budget.amount)
            if level:
                message = f'${usd(spent)} of the ${usd(budget.amount)} of the budget "{budget.scope}" are spent.'
                subject = budget.spending(now, tenant.time_zone)
                alert = self._raise(tenant, "budget", subject, level, used=spent, limit=budget.amount, message=message)
                raised += [alert] if alert else []
        return raised

    def check_spending(self, tenant: Tenant) -> Alert | None:
        """Tell when the last hour cost far more than the hours of the week before; once a day."""
        now, rule = self._now(), self._store.settings(tenant.id).spend_spike
        if rule is None or now - self._looked.get(tenant.id, now - _SPIKE_PAUSE) < _SPIKE_PAUSE:
            return None
        self._looked[tenant.id] = now
        today = beginning(now.astimezone(UTC).date())
        if self._store.was_raised(tenant.id, _once("spend_spike", str(today.date()), None, 0)):
            return None
        spent = sum(row.price for row in self._usage.rows(tenant.id, now - _HOUR, now + _HOUR))
        if spent < rule.minimum:
            return None
        since = max(today - timedelta(days=_USUAL_DAYS), beginning(tenant.created_at.astimezone(UTC).date()))
        before = sum(row.price for row in self._usage.rows(tenant.id, since, today))
        hours = max(1, (today - since) // _HOUR)
        if spent * hours <= before * rule.factor:
            return None
        message = f"The last hour cost ${usd(spent)}; the hours of the week before cost ${usd(before // hours)} each."
        return self._raise(
            tenant, "spend_spike", str(today.date()), None, used=spent, limit=before // hours, message=message
        )

    def _raise(
        self, tenant: Tenant, kind: Kind, subject: str, level: int | None, *, used: int, limit: int, message: str
    ) -> Alert | None:
        # The limit is part of the name: a quota or budget that was raised may be reached anew.
        once = _once(kind, subject, level, 0 if kind == "spend_spike" else limit)
        if self._store.was_raised(tenant.id, once):
            return None
        alert = Alert(
            id=str(ULID()),
            tenant_id=tenant.id,
            kind=kind,
            subject=subject,
            level=level,
            used=used,
            limit=limit,
            message=message,
            at=self._now(),
        )
        return alert if self._store.raise_once(once, alert) else None


def _once(kind: Kind, subject: str, level: int | None, limit: int) -> str:
    return f"{kind}:{subject}:{limit}:{level or 0}"


def _reached(settings: AlertSettings, used: int, limit: int | None) -> int:
    """Return the highest level that is reached; 0 where none is, or where there is no limit."""
    if not limit:
        return 0
    return max((level for level in settings.levels if used * 100 >= level * limit), default=0)
