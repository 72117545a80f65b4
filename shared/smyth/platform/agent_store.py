"""Where agents live: their records and versions, and the documents that the versions hold."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from smyth.platform.acl import Level
from smyth.platform.agent_records import Agent, Version


class AgentStore(Protocol):
    """Where agents and versions live."""

    def create(self, agent: Agent, version: Version, limit: int | None) -> Agent | None:
        """Write a new agent and claim its slug; return the agent as it is stored, or None when the slug is taken.

        Writing it again changes nothing.

        Raises:
            LimitReached: The tenant has ``limit`` agents.
        """
        ...

    def taken_slugs(self, tenant_id: str, stem: str) -> set[str]:
        """Return the tenant's slugs that begin with ``stem``."""
        ...

    def named(self, tenant_id: str, slug: str) -> str | None:
        """Return the id of the agent that claimed a slug."""
        ...

    def claim_slug(self, agent: Agent) -> bool:
        """Claim an agent's slug and write it; False when the slug is taken, or the agent has one or is gone."""
        ...

    def get(self, tenant_id: str, agent_id: str) -> Agent | None:
        """Return the agent, as written last."""
        ...

    def newest_first(self, tenant_id: str, after: str = "") -> Iterable[Agent]:
        """Yield the tenant's agents behind the id ``after``."""
        ...

    def add_version(self, agent: Agent, version: Version, seen: Agent) -> bool:
        """Write the agent and its new version, with a claim on its slug in place of that of ``seen``.

        False when the agent is no longer as ``seen`` or is gone, or when the slug is taken.
        """
        ...

    def publish(self, tenant_id: str, agent_id: str, number: int, at: datetime) -> bool:
        """Make a version the published one; False when the agent is gone."""
        ...

    def share(self, seen: Agent, access: dict[str, list[Level]], at: datetime) -> bool:
        """Give the agent another access; False when it has no longer that of ``seen``, or is gone."""
        ...

    def version(self, tenant_id: str, agent_id: str, number: int) -> Version | None:
        """Return one version."""
        ...

    def versions(self, tenant_id: str, agent_id: str, before: int | None = None) -> Iterable[Version]:
        """Yield the versions below ``before``, newest first."""
        ...

    def delete(self, agent: Agent) -> bool:
        """Delete the agent with its slug and all its versions; False when it has another slug by now, or is gone."""
        ...


class Bodies(Protocol):
    """Where documents lie, by agent and SHA-256."""

    def put(self, tenant_id: str, agent_id: str, sha256: str, body: bytes) -> None:
        """Store a document."""
        ...

    def get(self, tenant_id: str, agent_id: str, sha256: str) -> bytes:
        """Return a document."""
        ...

    def delete(self, tenant_id: str, agent_id: str, sha256s: Iterable[str]) -> None:
        """Delete documents."""
        ...
