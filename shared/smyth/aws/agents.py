"""Agents in the table, their documents in the bucket.

=========  ===============  ========================
item       partition        sort key
=========  ===============  ========================
agent      ``T#<tenant>``   ``AGENT#<agent>``
version    ``T#<tenant>``   ``VERSION#<agent>#<nnnnnn>``
slug       ``T#<tenant>``   ``SLUG#<slug>``
count      ``T#<tenant>``   ``AGENTS``
=========  ===============  ========================

Versions have a prefix of their own, so a list of agents reads agents only.
Documents: ``t/<tenant>/agents/<agent>/<sha256>.json``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from smyth.aws.bucket import Bucket
from smyth.aws.table import ConditionFailed, Item, Table, Write, delete, key, put_new, update
from smyth.platform.acl import Level
from smyth.platform.agent_records import Agent, Version
from smyth.platform.errors import LimitReached
from smyth.platform.times import rfc3339


class DynamoAgents:
    """A :class:`~smyth.platform.agent_store.AgentStore` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def create(self, agent: Agent, version: Version, limit: int | None) -> Agent | None:
        """See :meth:`smyth.platform.agent_store.AgentStore.create`."""
        count, room = {"one": 1, "none": 0}, ""
        if limit is not None:
            if limit < 1:
                raise _full(limit)
            count["limit"] = limit
            room = "attribute_not_exists(#agents) OR #agents < :limit"
        writes = [
            put_new(_agent_item(agent)),
            put_new(_version_item(agent.tenant_id, agent.id, version)),
            update(
                key(_tenant(agent.tenant_id), "AGENTS"),
                "SET #agents = if_not_exists(#agents, :none) + :one",
                count,
                condition=room,
            ),
            _claim(agent),
        ]
        try:
            self._table.transact(writes)
        except ConditionFailed as failed:
            if failed.index == 0:  # An earlier try of the same request had come through.
                return Agent.model_validate(failed.item)
            if failed.index == 2:
                raise _full(limit or 0) from None
            return None
        return agent

    def taken_slugs(self, tenant_id: str, stem: str) -> set[str]:
        """See :meth:`smyth.platform.agent_store.AgentStore.taken_slugs`."""
        items = self._table.query(_tenant(tenant_id), prefix=f"SLUG#{stem}", fields="#sk")
        return {item["sk"].removeprefix("SLUG#") for item in items}

    def named(self, tenant_id: str, slug: str) -> str | None:
        """See :meth:`smyth.platform.agent_store.AgentStore.named`."""
        item = self._table.get(_tenant(tenant_id), f"SLUG#{slug}")
        return item["agent_id"] if item else None

    def claim_slug(self, agent: Agent) -> bool:
        """See :meth:`smyth.platform.agent_store.AgentStore.claim_slug`."""
        write = update(
            _agent_key(agent),
            "SET #slug = :slug, #slug_claimed = :yes",
            {"slug": agent.slug, "yes": True},
            condition="attribute_exists(#pk) AND attribute_not_exists(#slug_claimed)",
        )
        return self._done([write, _claim(agent)])

    def get(self, tenant_id: str, agent_id: str) -> Agent | None:
        """See :meth:`smyth.platform.agent_store.AgentStore.get`."""
        item = self._table.get(_tenant(tenant_id), f"AGENT#{agent_id}")
        return Agent.model_validate(item) if item else None

    def newest_first(self, tenant_id: str, after: str = "") -> Iterator[Agent]:
        """See :meth:`smyth.platform.agent_store.AgentStore.newest_first`."""
        items = self._table.query(
            _tenant(tenant_id), prefix="AGENT#", newest_first=True, after=f"AGENT#{after}" if after else ""
        )
        return (Agent.model_validate(item) for item in items)

    def add_version(self, agent: Agent, version: Version, seen: Agent) -> bool:
        """See :meth:`smyth.platform.agent_store.AgentStore.add_version`."""
        item = _agent_item(agent)
        changed = {name: item[name] for name in ("name", "slug", "description", "model", "version", "sha256")}
        changed["updated_at"] = item["updated_at"]
        sets = ", ".join(f"#{name} = :{name}" for name in changed)
        values = changed | {"seen": seen.version}
        writes = [
            update(_agent_key(agent), f"SET {sets}", values, condition="#version = :seen"),
            put_new(_version_item(agent.tenant_id, agent.id, version)),
        ]
        if agent.slug != seen.slug:
            writes += [_claim(agent), delete(_slug_key(seen))]
        return self._done(writes)

    def publish(self, tenant_id: str, agent_id: str, number: int, at: datetime) -> bool:
        """See :meth:`smyth.platform.agent_store.AgentStore.publish`."""
        write = update(
            key(_tenant(tenant_id), f"AGENT#{agent_id}"),
            "SET #published_version = :number, #updated_at = :at",
            {"number": number, "at": rfc3339(at)},
            condition="attribute_exists(#pk)",
        )
        return self._written(write)

    def share(self, seen: Agent, access: dict[str, list[Level]], at: datetime) -> bool:
        """See :meth:`smyth.platform.agent_store.AgentStore.share`."""
        # Agents of earlier versions have no such attribute, others a null.
        unchanged = (
            "#access = :seen" if seen.access is not None else "(attribute_not_exists(#access) OR #access = :seen)"
        )
        write = update(
            _agent_key(seen),
            "SET #access = :access, #updated_at = :at",
            {"access": access, "at": rfc3339(at), "seen": seen.access},
            condition=f"attribute_exists(#pk) AND {unchanged}",
        )
        return self._written(write)

    def version(self, tenant_id: str, agent_id: str, number: int) -> Version | None:
        """See :meth:`smyth.platform.agent_store.AgentStore.version`."""
        item = self._table.get(_tenant(tenant_id), _version_sk(agent_id, number))
        return Version.model_validate(item) if item else None

    def versions(self, tenant_id: str, agent_id: str, before: int | None = None) -> Iterator[Version]:
        """See :meth:`smyth.platform.agent_store.AgentStore.versions`."""
        items = self._table.query(
            _tenant(tenant_id),
            prefix=f"VERSION#{agent_id}#",
            newest_first=True,
            after=_version_sk(agent_id, before) if before is not None else "",
        )
        return (Version.model_validate(item) for item in items)

    def delete(self, agent: Agent) -> bool:
        """See :meth:`smyth.platform.agent_store.AgentStore.delete`."""
        pk = _tenant(agent.tenant_id)
        writes = [
            delete(_agent_key(agent), condition="#slug = :slug", values={"slug": agent.slug}),
            delete(_slug_key(agent)),
            update(key(pk, "AGENTS"), "ADD #agents :back", {"back": -1}),
        ]
        if not self._done(writes):
            return False
        # Nothing points to the versions any more; what a crash leaves here is never seen again.
        versions = self._table.query(pk, prefix=f"VERSION#{agent.id}#", fields="#pk, #sk")
        self._table.delete_many([key(item["pk"], item["sk"]) for item in versions])
        return True

    def _written(self, write: Write) -> bool:
        """Do a write, unless its condition does not hold."""
        try:
            self._table.write(write)
        except ConditionFailed:
            return False
        return True

    def _done(self, writes: list[Write]) -> bool:
        """Do all writes, or none where a condition does not hold."""
        try:
            self._table.transact(writes)
        except ConditionFailed:
            return False
        return True


class BucketBodies:
    """A :class:`~smyth.platform.agent_store.Bodies` in the bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def put(self, tenant_id: str, agent_id: str, sha256: str, body: bytes) -> None:
        """See :meth:`smyth.platform.agent_store.Bodies.put`."""
        self._bucket.put(_body(tenant_id, agent_id, sha256), body, "application/json")

    def get(self, tenant_id: str, agent_id: str, sha256: str) -> bytes:
        """See :meth:`smyth.platform.agent_store.Bodies.get`."""
        body = self._bucket.get(_body(tenant_id, agent_id, sha256))
        if body is None:
            raise LookupError(f"the document {sha256} of {agent_id} is not in the bucket")
        return body

    def delete(self, tenant_id: str, agent_id: str, sha256s: Iterable[str]) -> None:
        """See :meth:`smyth.platform.agent_store.Bodies.delete`."""
        self._bucket.delete(*(_body(tenant_id, agent_id, sha256) for sha256 in sha256s))


def _tenant(tenant_id: str) -> str:
    return f"T#{tenant_id}"


def _agent_key(agent: Agent) -> Item:
    return key(_tenant(agent.tenant_id), f"AGENT#{agent.id}")


def _slug_key(agent: Agent) -> Item:
    return key(_tenant(agent.tenant_id), f"SLUG#{agent.slug}")


def _claim(agent: Agent) -> Write:
    """Claim the agent's slug. An update, though it makes the item: whoever lists agents may do no more than that."""
    return update(_slug_key(agent), "SET #agent_id = :id", {"id": agent.id}, condition="attribute_not_exists(#pk)")


def _version_sk(agent_id: str, number: int) -> str:
    return f"VERSION#{agent_id}#{number:06d}"


def _body(tenant_id: str, agent_id: str, sha256: str) -> str:
    return f"t/{tenant_id}/agents/{agent_id}/{sha256}.json"


def _agent_item(agent: Agent) -> Item:
    return _agent_key(agent) | agent.model_dump() | _times(agent)


def _version_item(tenant_id: str, agent_id: str, version: Version) -> Item:
    created = {"created_at": rfc3339(version.created_at)}
    return key(_tenant(tenant_id), _version_sk(agent_id, version.number)) | version.model_dump() | created


def _times(agent: Agent) -> Item:
    return {"created_at": rfc3339(agent.created_at), "updated_at": rfc3339(agent.updated_at)}


def _full(limit: int) -> LimitReached:
    return LimitReached(f"The plan allows {limit} agents, and you have them. Delete one, or ask for a larger plan.")
