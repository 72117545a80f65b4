"""Agents: made, found, changed, published, deleted, and made ready to run.

A version's document is stored under its SHA-256 before anything points to it,
so a reader sees a whole version or none, and a warm function may keep it.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from smyth.platform.acl import PLATFORM, Asker, Level
from smyth.platform.agent_records import Agent, Version
from smyth.platform.agent_store import AgentStore, Bodies
from smyth.platform.errors import Conflict, NotFound
from smyth.platform.ids import AGENT, is_id, new_id
from smyth.platform.slugs import free_slug, slug_of
from smyth.platform.times import Clock, utc_now

if TYPE_CHECKING:
    from smyth.document import Document
    from smyth.engine import Plan
    from smyth.platform.agent_documents import Checked
    from smyth.platform.agent_fields import AgentFields, NewAgent

UNNAMED = "Unnamed agent"
_MAX_NAME = 200
_MAX_SUMMARY = 1_000
#: How many agents one list call looks at when it searches.
_SEARCH_AT_MOST = 1_000
_ATTEMPTS = 5
_NAMING_ATTEMPTS = 8
_WARM_PLANS = 64


class Agents:
    """The use cases of agents. A foreign tenant's agent is as unknown as one that does not exist.

    What reads documents is imported where it is needed: lists are made of records alone.

    Each takes who asks, and refuses with :class:`~smyth.platform.errors.Forbidden` what the agent's access does not
    allow: reading and running need ``read``, changes ``write``, deleting and sharing ``owner``.
    """

    def __init__(self, store: AgentStore, bodies: Bodies, clock: Clock = utc_now) -> None:
        self._store = store
        self._bodies = bodies
        self._now = clock
        self._plans: OrderedDict[tuple[str, str], Plan] = OrderedDict()

    def create(
        self,
        tenant_id: str,
        fields: NewAgent,
        *,
        by: str,
        limit: int | None,
        agent_id: str | None = None,
        access: dict[str, list[Level]] | None = None,
    ) -> tuple[Agent, list[dict[str, Any]]]:
        """Make an agent from fields; see :meth:`add`."""
        from smyth.platform.agent_documents import build, check

        return self.add(tenant_id, check(build(fields)), by=by, limit=limit, agent_id=agent_id, access=access)

    def add(
        self,
        tenant_id: str,
        checked: Checked,
        *,
        by: str,
        limit: int | None,
        agent_id: str | None = None,
        name: str = UNNAMED,
        access: dict[str, list[Level]] | None = None,
    ) -> tuple[Agent, list[dict[str, Any]]]:
        """Make an agent of a document; return it with the document's warnings.

        Args:
            tenant_id: Whose agent it will be.
            checked: The document.
            by: The key that asks.
            limit: How many agents the tenant may have.
            agent_id: The id, where a repeated request must make the same agent.
            name: The agent's name where the document has none.
            access: Who may do what with it; None: it is the team's.

        Raises:
            LimitReached: The tenant has as many agents as its plan allows.
        """
        agent_id = agent_id or new_id(AGENT)
        now = self._now()
        digest = hashlib.sha256(checked.body).hexdigest()
        summary = _summary(checked.document, name)
        self._bodies.put(tenant_id, agent_id, digest, checked.body)
        version = Version(number=1, sha256=digest, created_at=now, created_by=by)
        for attempt in range(_NAMING_ATTEMPTS):
            agent = Agent(
                id=agent_id,
                tenant_id=tenant_id,
                slug=self._free_slug(tenant_id, summary["name"], attempt),
                slug_claimed=True,
                version=1,
                sha256=digest,
                created_at=now,
                updated_at=now,
                access=access,
                **summary,
            )
            stored = self._store.create(agent, version, limit)
            if stored is not None:
                return stored, checked.warnings
        raise Conflict(f"Others are making agents named {summary['name']} at the same time. Try again.")

    def get(self, tenant_id: str, agent_id: str, asker: Asker = PLATFORM, level: Level = "read") -> Agent:
        """Return an agent.

        Raises:
            NotFound: The tenant has none with this id.
            Forbidden: The asker does not have this level.
        """
        agent = self._store.get(tenant_id, agent_id) if is_id(AGENT, agent_id) else None
        if agent is None:
            raise NotFound(f"There is no agent {agent_id}. GET /api/agents lists those there are.")
        asker.check(level, agent.access, f"the agent {agent_id}")
        return agent

    def find(self, tenant_id: str, name: str, asker: Asker = PLATFORM) -> Agent:
        """Return an agent by its id or its slug.

        Raises:
            NotFound: The tenant has none.
            Forbidden: The asker may not read it.
        """
        if is_id(AGENT, name):
            return self.get(tenant_id, name, asker)
        slug = name.lower()
        agent_id = self._store.named(tenant_id, slug)
        if agent_id is None:
            # It may be an agent of an earlier version. The oldest chooses first.
            agents = list(islice(self._store.newest_first(tenant_id), _SEARCH_AT_MOST))
            claimed = (self._with_slug(agent) for agent in reversed(agents) if not agent.slug_claimed)
            agent_id = next((agent.id for agent in claimed if agent.slug == slug), "")
        return self.get(tenant_id, agent_id, asker)

    def search(
        self,
        tenant_id: str,
        asker: Asker = PLATFORM,
        *,
        q: str = "",
        limit: int = 20,
        after: str = "",
        only: tuple[str, ...] = (),
    ) -> tuple[list[Agent], str]:
        """Return agents, newest first, and where the next page begins, empty at the end.

        Args:
            tenant_id: Whose agents.
            asker: Gets those that it may read.
            q: Text that name or description hold, whatever its case.
            limit: How many at the most; fewer may come although there are more.
            after: Where the page before ended.
            only: Ids that the caller is limited to.
        """
        wanted = q.casefold()
        found: list[Agent] = []
        seen = ""
        stream = iter(self._store.newest_first(tenant_id, after))
        for agent in islice(stream, _SEARCH_AT_MOST):
            if len(found) == limit:
                return found, seen
            seen = agent.id
            known = asker.may("read", agent.access) and (not only or agent.id in only)
            if known and wanted in f"{agent.name}\n{agent.description}".casefold():
                found.append(self._with_slug(agent))
        return found, seen if next(stream, None) is not None else ""

    def update(self, tenant_id: str, agent_id: str, fields: AgentFields, *, by: str, asker: Asker = PLATFORM) -> Agent:
        """Change an agent by fields, as a new version."""
        from smyth.platform.agent_documents import change

        return self.edit(tenant_id, agent_id, lambda source: change(source, fields), by=by, asker=asker)[0]

    def edit(
        self,
        tenant_id: str,
        agent_id: str,
        edit: Callable[[dict[str, Any]], dict[str, Any]],
        *,
        by: str,
        asker: Asker = PLATFORM,
    ) -> tuple[Agent, list[dict[str, Any]]]:
        """Make a new version of what ``edit`` returns for the newest document; return it with its warnings.

        ``edit`` is called again when another writer was quicker; no change of either is lost. A document that stays
        as it was makes no version.

        Raises:
            NotFound: There is no such agent.
            Forbidden: The asker may not write it.
            Invalid: The changed document has errors; nothing was stored.
            Conflict: Others keep changing the agent.
        """
        from smyth.platform.agent_documents import check

        for attempt in range(_ATTEMPTS):
            agent = self._with_slug(self.get(tenant_id, agent_id, asker, "write"))
            checked = check(edit(json.loads(self._bodies.get(tenant_id, agent_id, agent.sha256))))
            digest = hashlib.sha256(checked.body).hexdigest()
            if digest == agent.sha256:
                return agent, checked.warnings
            now = self._now()
            number = agent.version + 1
            summary = _summary(checked.document, agent.name)
            slug = agent.slug
            if slug_of(summary["name"]) != slug_of(agent.name):
                slug = self._free_slug(tenant_id, summary["name"], attempt)
            changes = {"version": number, "sha256": digest, "updated_at": now, "slug": slug} | summary
            changed = agent.model_copy(update=changes)
            self._bodies.put(tenant_id, agent_id, digest, checked.body)
            version = Version(number=number, sha256=digest, created_at=now, created_by=by)
            if self._store.add_version(changed, version, agent):
                return changed, checked.warnings
        raise Conflict(f"Others are changing the agent {agent_id} at the same time. Nothing was changed; try again.")

    def publish(self, tenant_id: str, agent_id: str, number: int | None = None, *, asker: Asker = PLATFORM) -> Agent:
        """Let callers get version ``number``, the newest unless told, whatever is changed afterwards."""
        agent = self.get(tenant_id, agent_id, asker, "write")
        number = self.version(agent, number or agent.version).number
        now = self._now()
        if not self._store.publish(tenant_id, agent_id, number, now):
            raise NotFound(f"There is no agent {agent_id}. GET /api/agents lists those there are.")
        return agent.model_copy(update={"published_version": number, "updated_at": now})

    def share(self, tenant_id: str, agent_id: str, access: dict[str, list[Level]], *, asker: Asker = PLATFORM) -> Agent:
        """Say anew who may do what with an agent.

        Raises:
            NotFound: There is no such agent.
            Forbidden: The asker does not own it.
            Conflict: Others keep sharing it.
        """
        for _ in range(_ATTEMPTS):
            agent = self.get(tenant_id, agent_id, asker, "owner")
            now = self._now()
            if self._store.share(agent, access, now):
                return agent.model_copy(update={"access": access, "updated_at": now})
        raise Conflict(f"Others are sharing the agent {agent_id} at the same time. Nothing was changed; try again.")

    def delete(self, tenant_id: str, agent_id: str, *, asker: Asker = PLATFORM) -> None:
        """Delete an agent with all its versions.

        Raises:
            NotFound: There is no such agent.
            Forbidden: The asker does not own it.
            Conflict: Others keep renaming it.
        """
        for _ in range(_ATTEMPTS):
            agent = self._with_slug(self.get(tenant_id, agent_id, asker, "owner"))
            digests = {version.sha256 for version in self._store.versions(tenant_id, agent_id)}
            if self._store.delete(agent):
                self._bodies.delete(tenant_id, agent_id, digests)
                return
        raise Conflict(f"Others are changing the agent {agent_id} at the same time. It was not deleted; try again.")

    def version(self, agent: Agent, number: int) -> Version:
        """Return a version of an agent.

        Raises:
            NotFound: It has none with this number.
        """
        version = self._store.version(agent.tenant_id, agent.id, number)
        if version is None:
            raise NotFound(f"The agent {agent.id} has no version {number}. Its newest is {agent.version}.")
        return version

    def versions(
        self, tenant_id: str, agent_id: str, *, limit: int, before: int | None = None, asker: Asker = PLATFORM
    ) -> tuple[Agent, list[Version], int | None]:
        """Return an agent, its versions below ``before``, newest first, and where the next page begins."""
        agent = self.get(tenant_id, agent_id, asker)
        found = list(islice(self._store.versions(tenant_id, agent_id, before), limit + 1))
        return agent, found[:limit], found[limit - 1].number if len(found) > limit else None

    def source(self, agent: Agent, number: int | None = None) -> bytes:
        """Return the JSON of an agent's document as it came in: of version ``number``, or the newest."""
        digest = agent.sha256 if number is None else self.version(agent, number).sha256
        return self._bodies.get(agent.tenant_id, agent.id, digest)

    def document(self, agent: Agent, number: int | None = None) -> Document:
        """Return an agent's document: of version ``number``, or the newest."""
        from smyth.document import load

        return load(self.source(agent, number))

    def plan(self, tenant_id: str, agent_id: str, asker: Asker = PLATFORM) -> tuple[Agent, Plan]:
        """Return an agent and what callers run: the published version, or the newest where none is."""
        agent = self.get(tenant_id, agent_id, asker)
        return agent, self.warm_plan(agent, agent.published_version or agent.version)

    def warm_plan(self, agent: Agent, number: int) -> Plan:
        """Return a version ready to run; those that are in use stay in memory.

        Raises:
            NotFound: The agent has no version with this number.
        """
        digest = agent.sha256 if number == agent.version else self.version(agent, number).sha256
        plan = self._plans.get((agent.id, digest))
        if plan is None:
            plan = self._compile(agent, digest)
        self._plans[agent.id, digest] = plan
        self._plans.move_to_end((agent.id, digest))
        while len(self._plans) > _WARM_PLANS:
            self._plans.popitem(last=False)
        return plan

    def _with_slug(self, agent: Agent) -> Agent:
        """Return an agent that has claimed its slug; one of an earlier version does so now."""
        for attempt in range(_NAMING_ATTEMPTS):
            if agent.slug_claimed:
                return agent
            slug = self._free_slug(agent.tenant_id, agent.name, attempt)
            named = agent.model_copy(update={"slug": slug, "slug_claimed": True})
            agent = named if self._store.claim_slug(named) else self.get(agent.tenant_id, agent.id)
        raise Conflict(f"Others are naming agents like {agent.id} at the same time. Try again.")

    def _free_slug(self, tenant_id: str, name: str, attempt: int) -> str:
        slug = slug_of(name)
        return free_slug(slug, self._store.taken_slugs(tenant_id, slug), attempt)

    def _compile(self, agent: Agent, digest: str) -> Plan:
        from smyth.document import load
        from smyth.engine import compile

        plan = compile(load(self._bodies.get(agent.tenant_id, agent.id, digest)))
        # Never the document's own word: it decides whose secrets are read.
        return replace(plan, agent_id=agent.id, team_id=agent.tenant_id)


def _summary(document: Document, name: str) -> dict[str, str]:
    """Return what an agent's record repeats from its document."""
    name = (document.name.strip() or name)[:_MAX_NAME]
    return {
        "name": name,
        "description": (document.short_description or document.description)[:_MAX_SUMMARY],
        "model": document.default_model or "",
    }
