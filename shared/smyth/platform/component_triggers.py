"""Triggers for the trigger components of agents: WhatsApp, Gmail and the job scheduler."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ulid import ULID

from smyth.platform.errors import Invalid
from smyth.platform.ids import TRIGGER
from smyth.platform.trigger_records import ComponentRule, NewTrigger

if TYPE_CHECKING:
    from smyth.engine import Plan


def component_trigger_id(agent_id: str, endpoint: str) -> str:
    """Return the id of the one trigger that an agent's trigger component has: its address names no more than both."""
    digest = hashlib.sha256(f"{agent_id}/{endpoint}".encode()).digest()
    return f"{TRIGGER}-{str(ULID.from_bytes(digest[:16])).lower()}"


def completed(fields: NewTrigger, plan: Plan) -> NewTrigger:
    """Return what a component's trigger is made from, with the interval that the component's own settings tell.

    Raises:
        Invalid: The target is no trigger component.
    """
    if not isinstance(fields.rule, ComponentRule):
        return fields
    if fields.target.trigger is None:
        raise Invalid('A trigger of kind component needs the target {"trigger": ...}: the component\'s endpoint.')
    if fields.rule.every_minutes is not None or fields.rule.push is not None:
        return fields
    interval = getattr(plan.triggers[fields.target.trigger].settings, "interval", None)
    return fields.model_copy(update={"rule": fields.rule.model_copy(update={"every_minutes": interval})})
