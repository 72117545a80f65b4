"""Who there is: tenants and what becomes of them, their members and keys."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from smyth.http.bookkeeping import Bookkeeping

if TYPE_CHECKING:
    from smyth.aws.usage_fence import ApiGatewayFence
    from smyth.platform.checkout import Checkout
    from smyth.platform.keys import Keys
    from smyth.platform.members import Members
    from smyth.platform.plan_changes import PlanChanges
    from smyth.platform.tenant_export import Exports
    from smyth.platform.tenants import Tenants


class Accounts(Bookkeeping):
    """The use cases of tenants, members and keys."""

    @cached_property
    def fence(self) -> ApiGatewayFence:
        """API Gateway's usage plans."""
        from smyth.aws.usage_fence import ApiGatewayFence

        return ApiGatewayFence(self._settings.usage_plan_ids)

    @cached_property
    def tenants(self) -> Tenants:
        """Tenants."""
        from smyth.aws.tenants import DynamoTenants
        from smyth.platform.tenants import Tenants

        return Tenants(DynamoTenants(self.table), self.fence, self.plans, self.plan_changes, self.payments)

    @cached_property
    def exports(self) -> Exports:
        """Tenants' data as archives."""
        from smyth.aws.tenant_export import DynamoExports
        from smyth.platform.tenant_export import Exports

        return Exports(DynamoExports(self.table, self.bucket), self.tenants)

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
