"""What a function stores things in, each made from the settings when first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from smyth.http.settings import Settings

if TYPE_CHECKING:
    from smyth.aws.bucket import Bucket
    from smyth.aws.idempotency import DynamoClaims
    from smyth.aws.table import Table
    from smyth.aws.vault import SecretsVault
    from smyth.connectors.http.client import HttpClient
    from smyth.platform.agents import Agents
    from smyth.platform.plans import Plan


class Stores:
    """What all else is made from. Imports happen inside: a function pays only for what it uses."""

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

    @cached_property
    def claims(self) -> DynamoClaims:
        """Who holds which Idempotency-Key."""
        from smyth.aws.idempotency import DynamoClaims

        return DynamoClaims(self.table, self.bucket)

    @cached_property
    def credential_store(self) -> SecretsVault:
        """Where tenants' credentials are."""
        from smyth.aws.vault import SecretsVault

        given = self._settings
        return SecretsVault(self.table, given.credentials_prefix, encryption_key=given.credentials_key)

    @cached_property
    def http(self) -> HttpClient:
        """HTTP to what documents name."""
        from smyth.connectors.http.addresses import AddressGuard
        from smyth.connectors.http.client import HttpClient

        private, allowed = self._settings.allow_private_http, self._settings.allowed_http
        return HttpClient(AddressGuard(allow_private=private, allowed=allowed))

    @cached_property
    def agents(self) -> Agents:
        """Agents, their versions and documents."""
        from smyth.aws.agents import BucketBodies, DynamoAgents
        from smyth.platform.agents import Agents

        return Agents(DynamoAgents(self.table), BucketBodies(self.bucket))
