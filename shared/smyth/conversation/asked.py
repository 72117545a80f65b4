"""Conversations that components ask for: the adapter of :mod:`smyth.connectors.conversations.port`."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from functools import cache

from smyth.connectors.conversations.port import ConversationFailed, Question, Tool
from smyth.connectors.models.port import ModelError
from smyth.conversation.failures import ConversationError
from smyth.conversation.skills import SkillRuns, skills_of, system_text
from smyth.conversation.toolbox import GivenTools
from smyth.conversation.turn import Turn
from smyth.document import Document, load
from smyth.engine import Caller, Plan, compile

_WARM_PLANS = 32


class AskedTurns:
    """Holds each conversation as one turn."""

    def __init__(self) -> None:
        #: By the document's identity; the document is kept so that no other gets the same.
        self._plans: OrderedDict[int, tuple[Document, Plan]] = OrderedDict()

    async def with_agent(self, question: Question, agent_id: str, document: Document, caller: object) -> str:
        """See :meth:`smyth.connectors.conversations.port.Conversations.with_agent`."""
        if not isinstance(caller, Caller):
            raise TypeError("The caller must be the Call.caller of the component that asks.")
        # Never the document's own word: it decides whose secrets are read.
        plan = replace(self._plan(document), agent_id=agent_id, team_id=question.team_id)
        limits = caller.execution.meter.limits
        skills = SkillRuns(
            plan, skills_of(document), question.ports, question.session_id, variables={}, limits=limits, caller=caller
        )
        turn = Turn(
            plan,
            question.prompt,
            question.ports,
            model=question.model,
            system=system_text(document, question.system),
            tools=skills,
        )
        return await _answer(turn, question)

    async def with_tools(self, question: Question, tools: list[Tool]) -> str:
        """See :meth:`smyth.connectors.conversations.port.Conversations.with_tools`."""
        plan = replace(_nobody(), team_id=question.team_id)
        turn = Turn(
            plan,
            question.prompt,
            question.ports,
            model=question.model,
            system=question.system,
            tools=GivenTools(tools),
        )
        return await _answer(turn, question)

    def _plan(self, document: Document) -> Plan:
        """Compile a document once for as long as it is in use."""
        known = self._plans.get(id(document)) or (document, compile(document))
        self._plans[id(document)] = known
        self._plans.move_to_end(id(document))
        while len(self._plans) > _WARM_PLANS:
            self._plans.popitem(last=False)
        return known[1]


async def _answer(turn: Turn, question: Question) -> str:
    try:
        await turn.run()
    except (ModelError, ConversationError) as error:
        raise ConversationFailed(str(error)) from error
    finally:
        question.usage.extend(turn.usage)
    return turn.output


@cache
def _nobody() -> Plan:
    """Return the plan of no agent at all: a model speaks for itself."""
    return compile(load({"components": [], "connections": []}))
