"""Applies an agent's guardrails to the texts of one turn."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

from pydantic import ValidationError

from smyth.connectors.models.port import ModelError, ModelPort, Usage
from smyth.conversation.failures import ConversationError
from smyth.conversation.guardrails.deny import Denied
from smyth.conversation.guardrails.masks import Masks
from smyth.conversation.guardrails.pii import find
from smyth.conversation.guardrails.port import WITHHELD, Action, Checked, Guard, Stage
from smyth.document import Document
from smyth.document.guardrails import Bedrock, Deny, Guardrails, Moderation, Pii, Rule, faults, guardrails_of

_REFUSALS: dict[Stage, str] = {
    "input": "This message goes against the rules of this agent and was not read. Ask for something else.",
    "tool": "What a skill returned goes against the rules of this agent. Ask for something else.",
    "output": "The answer goes against the rules of this agent and was withheld. Ask for something else.",
}
#: Longer texts are searched beside the event loop, so that other requests of the process go on.
_LONG = 20_000


def guard_of(document: Document, models: ModelPort, team_id: str, usage: list[Usage]) -> Guard | None:
    """Return the guard for a turn of an agent; None where it has no rules.

    Args:
        document: The agent's.
        models: Who asks moderation models.
        team_id: Whose keys they are asked with.
        usage: Gets what they use.

    Raises:
        ConversationError: The rules cannot be used; nobody may talk to the agent unguarded.
    """
    rules = _rules(json.dumps(guardrails_of(document)))
    if not (rules.guardrails.input or rules.guardrails.output):
        return None
    return AgentGuard(rules, models, team_id, usage)


class AgentGuard:
    """See :class:`smyth.conversation.guardrails.port.Guard`."""

    def __init__(self, rules: _Rules, models: ModelPort, team_id: str, usage: list[Usage]) -> None:
        self._usage = usage
        self._rules = rules
        self._models = models
        self._team_id = team_id
        self._masks = Masks()

    @property
    def holds_output(self) -> bool:
        """See :attr:`smyth.conversation.guardrails.port.Guard.holds_output`."""
        given = self._rules.guardrails
        restoring = any(isinstance(rule, Pii) and rule.restore for rule in (*given.input, *given.output))
        return restoring or any(not isinstance(rule, Bedrock) for rule in given.output)

    @property
    def bedrock(self) -> dict[str, str] | None:
        """See :attr:`smyth.conversation.guardrails.port.Guard.bedrock`."""
        given = self._rules.guardrails
        found = next((rule for rule in (*given.input, *given.output) if isinstance(rule, Bedrock)), None)
        return {"id": found.id, "version": found.version} if found else None

    async def incoming(self, text: str) -> Checked:
        """See :meth:`smyth.conversation.guardrails.port.Guard.incoming`."""
        return await self._check("input", self._rules.guardrails.input, text)

    def remembered(self, text: str) -> str:
        """See :meth:`smyth.conversation.guardrails.port.Guard.remembered`."""
        self._masks.seen(text)
        for rule in self._rules.guardrails.input:
            if isinstance(rule, Pii):
                text = self._masks.masked(text, find(text, rule.entities), restore=rule.restore)
        return text

    async def tool_result(self, text: str) -> Checked:
        """See :meth:`smyth.conversation.guardrails.port.Guard.tool_result`."""
        return await self._check("tool", [rule for rule in self._rules.guardrails.input if rule.tools], text)

    async def outgoing(self, text: str) -> Checked:
        """See :meth:`smyth.conversation.guardrails.port.Guard.outgoing`."""
        return await self._check("output", self._rules.guardrails.output, text)

    def shown(self, text: str) -> str:
        """See :meth:`smyth.conversation.guardrails.port.Guard.shown`."""
        for rule in self._rules.guardrails.output:
            if isinstance(rule, Deny) and self._rules.denied(rule).count(text):
                return WITHHELD
            if isinstance(rule, Pii):
                text = self._masks.masked(text, find(text, rule.entities), restore=False)
        return text

    def restored(self, text: str) -> str:
        """See :meth:`smyth.conversation.guardrails.port.Guard.restored`."""
        return self._masks.restored(text)

    async def _check(self, stage: Stage, rules: list[Rule], text: str) -> Checked:
        """Ask the rules one after the other, until one refuses."""
        self._masks.seen(text)
        actions: list[Action] = []
        for rule in rules if text.strip() else ():
            refused = False
            match rule:
                case Deny():
                    count = await _searched(self._rules.denied(rule).count, text)
                    refused = count > 0
                case Pii():
                    finds = await _searched(partial(find, entities=rule.entities), text)
                    count, refused = len(finds), bool(finds) and rule.action == "block"
                    if finds and not refused:
                        text = self._masks.masked(text, finds, restore=rule.restore)
                        actions.append(Action(stage, rule.type, "mask", count))
                case Moderation():
                    count, asked = await self._moderated(rule, text)
                    refused = count > 0 or (not asked and rule.on_error == "block")
                    if not asked and not refused:
                        actions.append(Action(stage, rule.type, "pass", 0))
                case Bedrock():
                    continue
            if refused:
                actions.append(Action(stage, rule.type, "block", count))
                return Checked(WITHHELD, tuple(actions), rule.message or _REFUSALS[stage])
        return Checked(text, tuple(actions))

    async def _moderated(self, rule: Moderation, text: str) -> tuple[int, bool]:
        """Return how many categories count against ``text``, and whether the model could be asked."""
        try:
            verdict = await self._models.moderate(rule.model, text, team_id=self._team_id)
        except ModelError as error:
            if error.reached_provider:
                self._usage.append(Usage(rule.model if isinstance(rule.model, str) else str(rule.model.get("model"))))
            return 0, False
        self._usage.append(verdict.usage)
        wanted = verdict.scores if rule.categories is None else set(rule.categories) & verdict.scores.keys()
        if rule.threshold is None:
            return len(verdict.flagged & set(wanted)), True
        return sum(verdict.scores[category] >= rule.threshold for category in wanted), True


@dataclass(frozen=True)
class _Rules:
    """An agent's rules with their patterns ready."""

    guardrails: Guardrails

    def denied(self, rule: Deny) -> Denied:
        return self._denied[id(rule)]

    @cached_property
    def _denied(self) -> dict[int, Denied]:
        given = self.guardrails
        return {id(rule): Denied(rule) for rule in (*given.input, *given.output) if isinstance(rule, Deny)}


@lru_cache(maxsize=64)
def _rules(source: str) -> _Rules:
    """Read rules once for as long as their agents are in use."""
    try:
        return _Rules(Guardrails.model_validate_json(source))
    except ValidationError as error:
        raise ConversationError(
            "guardrails_unusable",
            f"The agent's guardrails cannot be used, so it does not talk. PATCH them: {faults(error)}.",
        ) from None


async def _searched(search: Callable[[str], Any], text: str) -> Any:
    return search(text) if len(text) < _LONG else await asyncio.to_thread(search, text)
