"""The fence before the functions: an API Gateway key per tenant, attached to its plan's usage plan."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from smyth.aws.clients import make_client
from smyth.platform.tenants import Tenant

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient

logger = logging.getLogger(__name__)


class ApiGatewayFence:
    """A :class:`~smyth.platform.tenants.UsageFence` of API Gateway's usage plans."""

    def __init__(self, usage_plan_ids: Mapping[str, str], client: APIGatewayClient | None = None) -> None:
        """Make a fence.

        Args:
            usage_plan_ids: Plan name -> usage plan id; a plan without one is not fenced.
            client: The client to use, else one is made at the first call.
        """
        self._usage_plan_ids = usage_plan_ids
        self._given = client

    @cached_property
    def _client(self) -> APIGatewayClient:
        if self._given is not None:
            return self._given
        from botocore.config import Config

        made: APIGatewayClient = make_client(
            "apigateway", Config(retries={"mode": "standard", "total_max_attempts": 5})
        )
        return made

    def place(self, tenant: Tenant, plan: str) -> None:
        """See :meth:`smyth.platform.tenants.UsageFence.place`."""
        if not self._usage_plan_ids:
            logger.info("no usage plans are configured; tenant %s is admitted by its limits alone", tenant.id)
            return
        if tenant.status == "erasing":
            self.remove(tenant)
            return
        usage_plan = self._usage_plan_ids.get(plan)
        key_id = self._key_id(tenant)
        for other in set(self._usage_plan_ids.values()) - {usage_plan}:
            self._detach(other, key_id)
        if usage_plan is not None:
            self._attach(usage_plan, key_id)

    def remove(self, tenant: Tenant) -> None:
        """See :meth:`smyth.platform.tenants.UsageFence.remove`."""
        if not self._usage_plan_ids:
            return
        for found in self._client.get_api_keys(nameQuery=tenant.id)["items"]:
            try:
                self._client.delete_api_key(apiKey=found["id"])
            except self._client.exceptions.NotFoundException:
                continue

    def _key_id(self, tenant: Tenant) -> str:
        """Return the id of the tenant's API Gateway key, which is made when missing."""
        found = self._client.get_api_keys(nameQuery=tenant.id)["items"]
        if found:
            return found[0]["id"]
        made = self._client.create_api_key(name=tenant.id, value=tenant.usage_identifier, enabled=True)
        return made["id"]

    def _detach(self, usage_plan: str, key_id: str) -> None:
        try:
            self._client.delete_usage_plan_key(usagePlanId=usage_plan, keyId=key_id)
        except self._client.exceptions.NotFoundException:
            return

    def _attach(self, usage_plan: str, key_id: str) -> None:
        try:
            self._client.create_usage_plan_key(usagePlanId=usage_plan, keyId=key_id, keyType="API_KEY")
        except self._client.exceptions.ConflictException:
            return
