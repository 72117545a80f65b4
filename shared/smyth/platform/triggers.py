"""Triggers: made, listed, changed, deleted, and switched off when what they start is gone.

A trigger is part of its agent: who may read the agent sees it, who may write the agent makes and changes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from smyth.platform.acl import PLATFORM, Asker, Level
from smyth.platform.agents import Agents
from smyth.platform.component_triggers import completed, component_trigger_id
from smyth.platform.errors import Busy, Conflict, Forbidden, Invalid, NotFound
from smyth.platform.ids import TRIGGER, is_id, new_id
from smyth.platform.times import Clock, utc_now
from smyth.platform.trigger_records import NewTrigger, Target, Trigger, TriggerChanges

if TYPE_CHECKING:
    from smyth.engine import Plan

MOST_TRIGGERS = 100
_ATTEMPTS = 5
AGENT_GONE = "Its agent was deleted. Delete the trigger, too."


class TriggerStore(Protocol):
    """Where triggers live."""

    def create(self, trigger: Trigger, limit: int) -> bool:
        """Write a new trigger; False where the id is taken.

        Raises:
            LimitReached: The tenant has ``limit`` triggers.
        """
        ...

    def get(self, tenant_id: str, trigger_id: str) -> Trigger | None:
        """Return a trigger, as written last."""
        ...

    def tenant_of(self, trigger_id: str) -> str | None:
        """Return whose trigger it is, for what comes from outside and names no tenant."""
        ...

    def all(self, tenant_id: str, after: str = "") -> Iterable[Trigger]:
        """Yield a tenant's triggers, oldest first, behind one id."""
        ...

    def replace(self, trigger: Trigger) -> bool:
        """Write a changed trigger; False unless its version is the next after the stored one's."""
        ...

    def delete(self, trigger: Trigger) -> None:
        """Delete a trigger; its history goes when its time is over."""
        ...


class Source(Protocol):
    """Places the rules of one kind where they are watched; calls may come again."""

    def place(self, trigger: Trigger) -> None:
        """Watch for what sets the trigger off, or stop while it is disabled."""
        ...

    def remove(self, trigger: Trigger) -> None:
        """Stop for good."""
        ...


class Triggers:
    """The use cases of triggers. A foreign tenant's trigger is as unknown as one that does not exist."""

    def __init__(
        self, store: TriggerStore, agents: Agents, sources: Mapping[str, Source], clock: Clock = utc_now
    ) -> None:
        """Make the use cases.

        Args:
            store: Where the records are.
            agents: What triggers start.
            sources: Who watches, by kind; kinds without one need nobody.
            clock: Tells when something was changed.
        """
        self._store = store
        self._agents = agents
        self._sources = sources
        self._now = clock

    def create(
        self,
        tenant_id: str,
        fields: NewTrigger,
        *,
        by: str,
        asker: Asker = PLATFORM,
        trigger_id: str | None = None,
        secrets: Mapping[str, str] | None = None,
        public_url: str = "",
    ) -> Trigger:
        """Make a trigger.

        Args:
            tenant_id: Whose it will be.
            fields: What it is made from.
            by: The key that asks.
            asker: Must be allowed to write the agent.
            trigger_id: The id, where a repeated request must make the same trigger.
            secrets: What the rule needs and nobody is shown.
            public_url: Where the service is found; links to files of its runs begin with it.

        Raises:
            NotFound: There is no such agent.
            Forbidden: The asker may not write the agent.
            Invalid: The agent has no such skill or trigger component.
            Conflict: The trigger component has another trigger already.
            LimitReached: The tenant has as many triggers as it may.
        """
        fields = completed(fields, self._check(tenant_id, fields.agent_id, fields.target, asker))
        if fields.rule.kind == "component":
            trigger_id = component_trigger_id(fields.agent_id, fields.target.trigger or "")
        now = self._now()
        trigger = Trigger(
            id=trigger_id or new_id(TRIGGER),
            tenant_id=tenant_id,
            created_at=now,
            updated_at=now,
            created_by=by,
            secrets=dict(secrets or {}),
            public_url=public_url,
            **{name: getattr(fields, name) for name in NewTrigger.model_fields},
        )
        is_new = self._store.create(trigger, MOST_TRIGGERS)
        if not is_new:
            # An earlier try of the same request, which may have ended before the rule was placed.
            stored = self.get(tenant_id, trigger.id)
            if (stored.name, stored.rule, stored.target) != (trigger.name, trigger.rule, trigger.target):
                raise Conflict(f"The component has a trigger already: {stored.id}. Change or delete that one.")
            trigger = stored
        try:
            self._place(trigger)
        except Exception:
            if is_new:
                with suppress(Busy):  # What was placed of it all the same finds no trigger to set off.
                    self._remove(trigger)
                self._store.delete(trigger)
            raise
        return trigger

    def get(self, tenant_id: str, trigger_id: str, asker: Asker = PLATFORM, level: Level = "read") -> Trigger:
        """Return a trigger.

        Raises:
            NotFound: The tenant has none with this id.
            Forbidden: The asker does not have this level at its agent.
        """
        trigger = self._store.get(tenant_id, trigger_id) if is_id(TRIGGER, trigger_id) else None
        if trigger is None:
            raise NotFound(f"There is no trigger {trigger_id}. GET /api/triggers lists those there are.")
        self._ask(trigger, asker, level)
        return trigger

    def find(self, trigger_id: str) -> Trigger | None:
        """Return a trigger of whichever tenant; for what comes from outside."""
        tenant_id = self._store.tenant_of(trigger_id) if is_id(TRIGGER, trigger_id) else None
        return self._store.get(tenant_id, trigger_id) if tenant_id else None

    def page(
        self,
        tenant_id: str,
        asker: Asker = PLATFORM,
        *,
        kind: str = "",
        agent_id: str = "",
        limit: int = 20,
        after: str = "",
    ) -> tuple[list[Trigger], str]:
        """Return triggers, oldest first, and where the next page begins, empty at the end.

        Raises:
            NotFound: There is no agent ``agent_id``.
            Forbidden: The asker may not read it.
        """
        if agent_id:
            self._agents.get(tenant_id, agent_id, asker)
        found: list[Trigger] = []
        for trigger in self._store.all(tenant_id, after):
            if len(found) == limit:
                return found, found[-1].id
            wanted = kind in ("", trigger.kind) and agent_id in ("", trigger.agent_id)
            if wanted and self._may_read(trigger, asker):
                found.append(trigger)
        return found, ""

    def of_kind(self, tenant_id: str, kind: str) -> list[Trigger]:
        """Return the tenant's triggers of one kind that are switched on."""
        return [trigger for trigger in self._store.all(tenant_id) if trigger.enabled and trigger.kind == kind]

    def change(self, tenant_id: str, trigger_id: str, changes: TriggerChanges, asker: Asker = PLATFORM) -> Trigger:
        """Change a trigger; who switches it on again takes away why it was switched off.

        Raises:
            NotFound: There is no such trigger.
            Forbidden: The asker may not write its agent.
            Invalid: The rule is of another kind, or the agent has no such skill or trigger component.
            Conflict: Others keep changing it.
        """
        given = {name: getattr(changes, name) for name in changes.model_fields_set}
        given = {name: value for name, value in given.items() if value is not None}
        if given.get("enabled"):
            given["disabled_because"] = ""
        return self._change(tenant_id, trigger_id, given, asker)

    def set_secrets(self, seen: Trigger, secrets: Mapping[str, str]) -> Trigger:
        """Replace what the rule needs and nobody is shown, of a trigger as it was seen.

        Raises:
            Conflict: Others have changed it since.
        """
        now = self._now()
        changed = seen.model_copy(update={"secrets": dict(secrets), "updated_at": now, "version": seen.version + 1})
        if not self._store.replace(changed):
            raise _changed_by_others(seen.id)
        return changed

    def disable(self, tenant_id: str, trigger_id: str, because: str) -> Trigger:
        """Switch a trigger off for a reason that its owners are told."""
        return self._change(tenant_id, trigger_id, {"enabled": False, "disabled_because": because}, PLATFORM)

    def agent_deleted(self, tenant_id: str, agent_id: str) -> int:
        """Switch off what would start an agent that is gone; return how many triggers that were."""
        found = [trigger for trigger in self._store.all(tenant_id) if trigger.agent_id == agent_id]
        for trigger in found:
            self.disable(tenant_id, trigger.id, AGENT_GONE)
        return len(found)

    def delete(self, tenant_id: str, trigger_id: str, asker: Asker = PLATFORM) -> None:
        """Delete a trigger.

        Raises:
            NotFound: There is no such trigger.
            Forbidden: The asker may not write its agent.
        """
        trigger = self.get(tenant_id, trigger_id, asker, "write")
        self._remove(trigger)
        self._store.delete(trigger)

    def remove_all(self, tenant_id: str) -> None:
        """Stop watching for a tenant that goes for good; its records go with all else."""
        for trigger in self._store.all(tenant_id):
            self._remove(trigger)

    def _change(self, tenant_id: str, trigger_id: str, given: dict[str, Any], asker: Asker) -> Trigger:
        for _ in range(_ATTEMPTS):
            trigger = self.get(tenant_id, trigger_id, asker, "write")
            if "rule" in given and given["rule"].kind != trigger.kind:
                raise Invalid(f"The trigger is of kind {trigger.kind} and stays so. Make another one for this rule.")
            if trigger.kind == "component" and given.get("target", trigger.target) != trigger.target:
                raise Invalid("The trigger belongs to its component. Make another one for another component.")
            if "target" in given or given.get("enabled"):
                self._check(tenant_id, trigger.agent_id, given.get("target", trigger.target), PLATFORM)
            changed = trigger.model_copy(update={**given, "updated_at": self._now(), "version": trigger.version + 1})
            if self._store.replace(changed):
                try:
                    self._place(changed)
                except Invalid:  # Whoever watches goes on with the rule of before, and so does the record.
                    self._store.replace(trigger.model_copy(update={"version": changed.version + 1}))
                    raise
                self._place_newest(changed)
                return changed
        raise _changed_by_others(trigger_id)

    def _check(self, tenant_id: str, agent_id: str, target: Target, asker: Asker) -> Plan:
        """Return the agent's plan; refuse a target that it does not have."""
        self._agents.get(tenant_id, agent_id, asker, "write")
        _, plan = self._agents.plan(tenant_id, agent_id)
        endpoints = sorted({endpoint for endpoint, _ in plan.endpoints})
        if target.skill is not None and target.skill not in endpoints:
            known = ", ".join(endpoints) or "none"
            raise Invalid(f'The agent has no endpoint "{target.skill}". Its endpoints: {known}.')
        if target.trigger is not None and target.trigger not in plan.triggers:
            known = ", ".join(sorted(plan.triggers)) or "none"
            raise Invalid(f'The agent has no trigger component at "{target.trigger}". Those it has: {known}.')
        return plan

    def _ask(self, trigger: Trigger, asker: Asker, level: Level) -> None:
        """Refuse who may not use the trigger's agent; where the agent is gone, nobody is refused."""
        try:
            self._agents.get(trigger.tenant_id, trigger.agent_id, asker, level)
        except NotFound:
            return

    def _may_read(self, trigger: Trigger, asker: Asker) -> bool:
        try:
            self._ask(trigger, asker, "read")
        except Forbidden:
            return False
        return True

    def _place(self, trigger: Trigger) -> None:
        if source := self._sources.get(trigger.kind):
            source.place(trigger)

    def _place_newest(self, placed: Trigger) -> None:
        """Place what others have written meanwhile: they may have placed it before ``placed`` was."""
        newest = self._store.get(placed.tenant_id, placed.id)
        if newest is None:
            self._remove(placed)
        elif newest.version != placed.version:
            self._place(newest)

    def _remove(self, trigger: Trigger) -> None:
        if source := self._sources.get(trigger.kind):
            source.remove(trigger)


def _changed_by_others(trigger_id: str) -> Conflict:
    return Conflict(f"Others are changing the trigger {trigger_id} at the same time. Nothing was changed; try again.")
