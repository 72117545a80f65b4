"""The adapters and use cases of a function, each made from the settings when first asked for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING

from smyth.http.settings import Settings, settings

if TYPE_CHECKING:
    from smyth.aws.agent_files import FileLinks
    from smyth.aws.bucket import Bucket
    from smyth.aws.idempotency import DynamoClaims
    from smyth.aws.ledger_files import BucketLedgerFiles
    from smyth.aws.table import Table
    from smyth.aws.usage_fence import ApiGatewayFence
    from smyth.aws.vectors import BucketVectors
    from smyth.connectors.code.port import CodeSandbox
    from smyth.connectors.embeddings.gateway import EmbeddingGateway
    from smyth.connectors.http.client import HttpClient
    from smyth.connectors.jobs.memory import Jobs
    from smyth.connectors.knowledge.knowledge import Knowledge
    from smyth.connectors.models.allowance import Allowance
    from smyth.connectors.models.gateway import ModelGateway
    from smyth.connectors.ports import Ports
    from smyth.conversation import AskedTurns
    from smyth.engine import Limits
    from smyth.platform.agents import Agents
    from smyth.platform.alert_delivery import AlertDelivery
    from smyth.platform.alert_rules import AlertRules
    from smyth.platform.alerts import Alerts
    from smyth.platform.audit import Audit
    from smyth.platform.billing_settings import BillingSettings
    from smyth.platform.budget_changes import Budgets
    from smyth.platform.checkout import Checkout
    from smyth.platform.conversations import Conversations
    from smyth.platform.erasure import Erasures
    from smyth.platform.files import Files
    from smyth.platform.invoices import Invoices
    from smyth.platform.keys import Keys
    from smyth.platform.members import Members
    from smyth.platform.metering import Metering
    from smyth.platform.migrations import Migrations
    from smyth.platform.models import TenantModels
    from smyth.platform.payments import Payments
    from smyth.platform.plan_changes import PlanChanges
    from smyth.platform.plans import Plan
    from smyth.platform.rebuild import Rebuild
    from smyth.platform.rollups import Rollups
    from smyth.platform.tenant_export import Exports
    from smyth.platform.tenants import Tenants
    from smyth.platform.usage import Usage


class Services:
    """What functions work with. Imports happen inside: a function pays only for what it uses."""

    def __init__(self, given: Settings) -> None:
        self._settings = given

    @cached_property
    def table(self) -> Table:
        """The table."""
        from smyth.aws.table import Table

        return Table(self._settings.table_name)

    @cached_property
    def bucket(self) -> Bucket:
        """The bucket."""
        from smyth.aws.bucket import Bucket

        return Bucket(self._settings.bucket_name)

    @cached_property
    def plans(self) -> Mapping[str, Plan]:
        """The price list of this stack."""
        from smyth.platform.plans import load_plans

        return load_plans(self._settings.plans)

    def limits(self, plan: str) -> Limits:
        """Return what a run may use up under a plan: what the stack grants, or less."""
        from smyth.engine import Limits
        from smyth.platform.plans import RunLimits

        granted = RunLimits.model_validate(self._settings.limits)
        if plan in self.plans:
            granted = granted.tightened(self.plans[plan].run_limits)
        return Limits(**granted.model_dump(exclude_none=True))

    @cached_property
    def claims(self) -> DynamoClaims:
        """Who holds which Idempotency-Key."""
        from smyth.aws.idempotency import DynamoClaims

        return DynamoClaims(self.table, self.bucket)

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
    def fence(self) -> ApiGatewayFence:
        """API Gateway's usage plans."""
        from smyth.aws.usage_fence import ApiGatewayFence

        return ApiGatewayFence(self._settings.usage_plan_ids)

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
    def checkout(self) -> Checkout:
        """Paying through Stripe, where the stack has an account there."""
        from smyth.aws.payments import DynamoStripeCustomers
        from smyth.aws.secrets import StackSecret
        from smyth.connectors.payments.stripe import Stripe, read_keys
        from smyth.platform.checkout import Checkout

        provider = None
        if self._settings.stripe_secret_arn:
            secret = StackSecret(self._settings.stripe_secret_arn)
            provider = Stripe(lambda: read_keys(secret.value()), url=self._settings.stripe_url)
        return Checkout(
            provider,
            DynamoStripeCustomers(self.table),
            self.payments,
            plans=self.plans,
            tenants=self.tenants.get,
            settings=self.billing_settings,
            stack=self._settings.customer,
        )

    @cached_property
    def agents(self) -> Agents:
        """Agents, their versions and documents."""
        from smyth.aws.agents import BucketBodies, DynamoAgents
        from smyth.platform.agents import Agents

        return Agents(DynamoAgents(self.table), BucketBodies(self.bucket))

    @cached_property
    def tenants(self) -> Tenants:
        """Tenants."""
        from smyth.aws.tenants import DynamoTenants
        from smyth.aws.usage_fence import ApiGatewayFence
        from smyth.platform.tenants import Tenants

        fence = ApiGatewayFence(self._settings.usage_plan_ids)
        return Tenants(DynamoTenants(self.table), fence, self.plans, self.plan_changes, self.payments)

    @cached_property
    def exports(self) -> Exports:
        """Tenants' data as archives."""
        from smyth.aws.tenant_export import DynamoExports
        from smyth.platform.tenant_export import Exports

        return Exports(DynamoExports(self.table, self.bucket), self.tenants)

    @cached_property
    def erasures(self) -> Erasures:
        """Tenants that go for good."""
        from smyth.aws.erasure import DynamoErasures
        from smyth.aws.usage_fence import ApiGatewayFence
        from smyth.platform.erasure import Erasures

        fence = ApiGatewayFence(self._settings.usage_plan_ids)
        return Erasures(DynamoErasures(self.table, self.bucket), self.tenants, fence)

    @cached_property
    def plan_changes(self) -> PlanChanges:
        """What changes of plans have left to do."""
        from smyth.aws.plan_changes import DynamoSeeds
        from smyth.platform.plan_changes import PlanChanges

        return PlanChanges(DynamoSeeds(self.table), self.usage)

    @cached_property
    def keys(self) -> Keys:
        """API keys."""
        from smyth.aws.keys import DynamoKeys
        from smyth.platform.keys import Keys

        return Keys(DynamoKeys(self.table))

    @cached_property
    def members(self) -> Members:
        """Members and invitations."""
        from smyth.aws.members import DynamoMembers
        from smyth.platform.members import Members

        return Members(DynamoMembers(self.table))

    @cached_property
    def migrations(self) -> Migrations:
        """Changes to stored data after a deployment."""
        from smyth.aws.migrations import DynamoMigrations
        from smyth.platform.migration_list import migrations
        from smyth.platform.migrations import Migrations

        return Migrations(DynamoMigrations(self.table), migrations(self.tenants, self.agents, self.payments))

    @cached_property
    def audit(self) -> Audit:
        """Who did what."""
        from smyth.aws.audit import DynamoAudit
        from smyth.platform.audit import Audit

        return Audit(DynamoAudit(self.table))

    @cached_property
    def conversations(self) -> Conversations:
        """Chat memory."""
        from smyth.aws.conversations import DynamoConversations
        from smyth.platform.conversations import Conversations

        return Conversations(DynamoConversations(self.table, self.bucket))

    @cached_property
    def models(self) -> ModelGateway:
        """Language models."""
        from smyth.connectors.models.catalog import Catalog, read_models
        from smyth.connectors.models.gateway import ModelGateway
        from smyth.connectors.vault.memory import MemoryVault

        catalog = Catalog(read_models(self._settings.models))
        return ModelGateway(catalog, MemoryVault(), allow_private=self._settings.allow_private_http)

    @cached_property
    def budgets(self) -> Budgets:
        """What tenants, agents and keys may spend."""
        from smyth.aws.budgets import DynamoBudgets
        from smyth.aws.keys import DynamoKeys
        from smyth.platform.budget_changes import Budgets

        return Budgets(DynamoBudgets(self.table), self.agents, DynamoKeys(self.table))

    @cached_property
    def tenant_models(self) -> TenantModels:
        """Tenants' own models, beside the catalogue."""
        from smyth.aws.models import DynamoModels
        from smyth.connectors.models.catalog import Catalog, read_models
        from smyth.platform.models import TenantModels

        catalog = Catalog(read_models(self._settings.models))
        return TenantModels(DynamoModels(self.table), catalog, allow_private=self._settings.allow_private_http)

    @cached_property
    def vectors(self) -> BucketVectors:
        """Vectors by namespace."""
        from smyth.aws.vectors import BucketVectors

        return BucketVectors(self.bucket)

    @cached_property
    def embeddings(self) -> EmbeddingGateway | None:
        """What turns texts into vectors, where the stack is configured for it."""
        from smyth.connectors.embeddings.gateway import EmbeddingGateway, read_embedding_model
        from smyth.connectors.vault.memory import MemoryVault

        entry = read_embedding_model(self._settings.embedding_model)
        return EmbeddingGateway(entry, MemoryVault()) if entry else None

    def knowledge(self, tenant_id: str, allowance: Allowance | None = None) -> Knowledge:
        """Return what a tenant's agents know: in the namespaces that the tenant's vector searches see."""
        from smyth.connectors.knowledge.knowledge import Knowledge

        embeddings = self.embeddings and self.embeddings.view(allowance)
        return Knowledge(self.vectors, embeddings, tenant_id=tenant_id)

    @cached_property
    def files(self) -> Files:
        """Uploaded files."""
        from smyth.aws.files import BucketFiles, DynamoFiles
        from smyth.platform.files import Files

        return Files(DynamoFiles(self.table), BucketFiles(self.bucket))

    @cached_property
    def http(self) -> HttpClient:
        """HTTP to what documents name."""
        from smyth.connectors.http.addresses import AddressGuard
        from smyth.connectors.http.client import HttpClient

        private, allowed = self._settings.allow_private_http, self._settings.allowed_http
        return HttpClient(AddressGuard(allow_private=private, allowed=allowed))

    @cached_property
    def code(self) -> CodeSandbox:
        """Users' JavaScript."""
        from smyth.connectors.code.port import CodeLimits

        limits = CodeLimits.model_validate(self._settings.code_limits)
        if self._settings.code_function:
            from smyth.aws.code import LambdaCode

            return LambdaCode(self._settings.code_function, limits)
        from smyth.connectors.code.quickjs import QuickJsSandbox

        return QuickJsSandbox(limits)

    def _code_of(self, tenant_id: str) -> CodeSandbox:
        if not self._settings.code_per_tenant:
            return self.code
        from smyth.aws.code import LambdaCode
        from smyth.connectors.code.port import CodeLimits

        limits = CodeLimits.model_validate(self._settings.code_limits)
        return LambdaCode(self._settings.code_function, limits, tenant_id=tenant_id)

    @cached_property
    def asked_turns(self) -> AskedTurns:
        """Conversations that components ask for."""
        from smyth.conversation import AskedTurns

        return AskedTurns()

    @cached_property
    def jobs(self) -> Jobs:
        """Background branches of this process's runs."""
        from smyth.connectors.jobs.memory import Jobs

        return Jobs()

    @cached_property
    def file_links(self) -> FileLinks:
        """Links to files of agents."""
        from smyth.aws.agent_files import FileLinks

        return FileLinks(self.table, self.bucket)

    def close_connections(self) -> None:
        """Let the next calls of AWS and of models connect anew; the clients stay."""
        self.table.client.close()
        self.bucket.client.close()
        vars(self).pop("models", None)
        vars(self).pop("http", None)

    def ports(
        self,
        tenant_id: str,
        *,
        public_url: str = "",
        seconds_left: float | None = None,
        allowance: Allowance | None = None,
    ) -> Ports:
        """Return the world that a tenant's agents may use.

        Args:
            tenant_id: Whose agents.
            public_url: Where this service is found; links to files begin with it.
            seconds_left: How long the request may still take; None: nobody ends it.
            allowance: What its models may cost; None: whatever they do.
        """
        from smyth.aws.agent_files import AgentFiles
        from smyth.aws.memory import DynamoMemory
        from smyth.connectors.ports import Ports
        from smyth.connectors.telemetry.log import LogTelemetry
        from smyth.http.app import logger
        from smyth.platform.agent_directory import TenantAgents

        return Ports(
            models=self.models.view(
                more=lambda name: self.tenant_models.find(tenant_id, name),
                deadline=None if seconds_left is None else time.monotonic() + seconds_left,
                allowance=allowance,
            ),
            allowance=allowance,
            http=self.http,
            code=self._code_of(tenant_id),
            files=AgentFiles(self.bucket, self.file_links, tenant_id, public_url),
            memory=DynamoMemory(self.table, tenant_id),
            agents=TenantAgents(self.agents, tenant_id),
            conversations=self.asked_turns,
            jobs=self.jobs,
            telemetry=LogTelemetry(logger, tenant_id=tenant_id),
            knowledge=self.knowledge(tenant_id, allowance),
        )


@cache
def services() -> Services:
    """Return this function's services."""
    return Services(settings())
