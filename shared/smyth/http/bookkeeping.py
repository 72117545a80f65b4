"""What counts, sums up, bills and tells: metering, usage, budgets, payments, alerts, audit."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from smyth.http.stores import Stores

if TYPE_CHECKING:
    from smyth.aws.ledger_files import BucketLedgerFiles
    from smyth.platform.alert_delivery import AlertDelivery
    from smyth.platform.alert_rules import AlertRules
    from smyth.platform.alerts import Alerts
    from smyth.platform.audit import Audit
    from smyth.platform.billing_settings import BillingSettings
    from smyth.platform.budget_changes import Budgets
    from smyth.platform.invoices import Invoices
    from smyth.platform.metering import Metering
    from smyth.platform.payments import Payments
    from smyth.platform.rebuild import Rebuild
    from smyth.platform.rollups import Rollups
    from smyth.platform.usage import Usage


class Bookkeeping(Stores):
    """The use cases of counting and money."""

    @cached_property
    def meter(self) -> Metering:
        """Admission, settlement, and the ledger."""
        from smyth.aws.metering import DynamoMeter
        from smyth.platform.metering import Metering

        return Metering(
            DynamoMeter(self.table, self.claims),
            self.plans,
            run_allowance=self._settings.run_allowance,
            ip_requests_per_minute=self._settings.ip_requests_per_minute,
        )

    @cached_property
    def rollups(self) -> Rollups:
        """Sums of closed days."""
        from smyth.aws.rollups import DynamoRollups
        from smyth.aws.tenants import DynamoTenants
        from smyth.platform.rollups import Rollups

        tenants = DynamoTenants(self.table).newest_first
        return Rollups(self.meter.store, DynamoRollups(self.table), tenants)

    @cached_property
    def usage(self) -> Usage:
        """What tenants used."""
        from smyth.aws.rollups import DynamoRollups
        from smyth.platform.usage import Usage

        return Usage(self.meter.store, DynamoRollups(self.table))

    @cached_property
    def rebuild(self) -> Rebuild:
        """Totals from the ledger again."""
        from smyth.aws.rollups import DynamoRollups
        from smyth.aws.totals import DynamoTotals
        from smyth.platform.rebuild import Rebuild

        return Rebuild(self.usage, self.rollups, DynamoRollups(self.table), DynamoTotals(self.table))

    @cached_property
    def ledger_files(self) -> BucketLedgerFiles:
        """The ledger as files."""
        from smyth.aws.ledger_files import BucketLedgerFiles

        return BucketLedgerFiles(self.bucket)

    @cached_property
    def budgets(self) -> Budgets:
        """What tenants, agents and keys may spend."""
        from smyth.aws.budgets import DynamoBudgets
        from smyth.aws.keys import DynamoKeys
        from smyth.platform.budget_changes import Budgets

        return Budgets(DynamoBudgets(self.table), self.agents, DynamoKeys(self.table))

    @cached_property
    def billing_settings(self) -> BillingSettings:
        """How this stack bills."""
        from smyth.platform.billing_settings import BillingSettings

        return BillingSettings.model_validate(self._settings.billing)

    @cached_property
    def payments(self) -> Payments:
        """Money that came and went."""
        from smyth.aws.payments import DynamoPayments
        from smyth.platform.payments import Payments

        return Payments(DynamoPayments(self.table), self.plans)

    @cached_property
    def invoices(self) -> Invoices:
        """Invoices."""
        from smyth.aws.payments import DynamoInvoices
        from smyth.aws.tenants import DynamoTenants
        from smyth.platform.invoices import Invoices

        return Invoices(
            DynamoInvoices(self.table),
            plans=self.plans,
            usage=self.usage.rows,
            payments=self.payments.of,
            tenants=DynamoTenants(self.table).newest_first,
            issuer=self.billing_settings.issuer,
        )

    @cached_property
    def alerts(self) -> Alerts:
        """What tenants are told, and where."""
        from smyth.aws.alerts import DynamoAlerts
        from smyth.connectors.http.addresses import AddressGuard
        from smyth.platform.alerts import Alerts

        private = self._settings.allow_private_http
        schemes = ("http", "https") if private else ("https",)
        guard = AddressGuard(schemes=schemes, allow_private=private, allowed=self._settings.allowed_http)
        return Alerts(DynamoAlerts(self.table), guard, sends_mail=bool(self._settings.alerts_from))

    @cached_property
    def alert_rules(self) -> AlertRules:
        """When tenants are told."""
        from smyth.aws.alerts import DynamoAlerts
        from smyth.platform.alert_rules import AlertRules

        return AlertRules(DynamoAlerts(self.table), self.meter, self.usage)

    @cached_property
    def alert_delivery(self) -> AlertDelivery:
        """How tenants are told."""
        from smyth.aws.alerts import DynamoAlerts
        from smyth.aws.notices import EventBridgeBus, SesMailer
        from smyth.connectors.notifications.webhook import Webhooks
        from smyth.platform.alert_delivery import AlertDelivery

        sender, bus = self._settings.alerts_from, self._settings.event_bus
        return AlertDelivery(
            DynamoAlerts(self.table),
            Webhooks(self.http),
            mailer=SesMailer(sender) if sender else None,
            bus=EventBridgeBus(bus) if bus else None,
        )

    @cached_property
    def audit(self) -> Audit:
        """Who did what."""
        from smyth.aws.audit import DynamoAudit
        from smyth.platform.audit import Audit

        return Audit(DynamoAudit(self.table))
