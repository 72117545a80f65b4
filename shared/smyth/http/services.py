"""The adapters and use cases of a function, each made from the settings when first asked for."""

from __future__ import annotations

import time
from functools import cache, cached_property
from typing import TYPE_CHECKING

from smyth.http.occasions import Occasions
from smyth.http.settings import settings

if TYPE_CHECKING:
    from smyth.connectors.code.port import CodeSandbox
    from smyth.connectors.jobs.memory import Jobs
    from smyth.connectors.models.allowance import Allowance
    from smyth.connectors.models.gateway import ModelGateway
    from smyth.connectors.ports import Ports
    from smyth.conversation import AskedTurns
    from smyth.engine import Limits
    from smyth.platform.conversations import Conversations
    from smyth.platform.migrations import Migrations
    from smyth.platform.models import TenantModels


class Services(Occasions):
    """What functions work with. Imports happen inside: a function pays only for what it uses."""

    def limits(self, plan: str) -> Limits:
        """Return what a run may use up under a plan: what the stack grants, or less."""
        from smyth.engine import Limits
        from smyth.platform.plans import RunLimits

        granted = RunLimits.model_validate(self._settings.limits)
        if plan in self.plans:
            granted = granted.tightened(self.plans[plan].run_limits)
        return Limits(**granted.model_dump(exclude_none=True))

    @cached_property
    def migrations(self) -> Migrations:
        """Changes to stored data after a deployment."""
        from smyth.aws.migrations import DynamoMigrations
        from smyth.platform.migration_list import migrations
        from smyth.platform.migrations import Migrations

        return Migrations(DynamoMigrations(self.table), migrations(self.tenants, self.agents, self.payments))

    @cached_property
    def conversations(self) -> Conversations:
        """Chat memory."""
        from smyth.aws.conversations import DynamoConversations
        from smyth.platform.conversations import Conversations

        return Conversations(DynamoConversations(self.table, self.bucket))

    @cached_property
    def models(self) -> ModelGateway:
        """Language models."""
        from smyth.aws.tenant_vault import VaultByTenant
        from smyth.connectors.models.catalog import Catalog, read_models
        from smyth.connectors.models.gateway import ModelGateway

        catalog = Catalog(read_models(self._settings.models))
        vault = VaultByTenant(self.kept_vaults)
        return ModelGateway(catalog, vault, allow_private=self._settings.allow_private_http)

    @cached_property
    def tenant_models(self) -> TenantModels:
        """Tenants' own models, beside the catalogue."""
        from smyth.aws.models import DynamoModels
        from smyth.connectors.models.catalog import Catalog, read_models
        from smyth.platform.models import TenantModels

        catalog = Catalog(read_models(self._settings.models))
        return TenantModels(DynamoModels(self.table), catalog, allow_private=self._settings.allow_private_http)

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
        depth: int = 0,
    ) -> Ports:
        """Return the world that a tenant's agents may use.

        Args:
            tenant_id: Whose agents.
            public_url: Where this service is found; links to files begin with it.
            seconds_left: How long the request may still take; None: nobody ends it.
            allowance: What its models may cost; None: whatever they do.
            depth: How many runs of triggers in a row led to the run; what it writes tells so.
        """
        from smyth.aws.agent_files import agent_files
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
            vault=self.vault(tenant_id),
            tokens=self.tokens(tenant_id),
            http=self.http,
            code=self._code_of(tenant_id),
            files=agent_files(self.bucket, self.file_links, tenant_id, public_url, depth=depth),
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
