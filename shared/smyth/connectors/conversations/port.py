"""The conversation port: a question in, an answer out, tools called in between.

The room ``conversation`` implements it; components are below that room and reach it only through here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from smyth.connectors.models.port import Usage
    from smyth.connectors.ports import Ports
    from smyth.document.model import Document


@dataclass(frozen=True, slots=True)
class Tool:
    """Something a model may call."""

    name: str
    description: str
    #: JSON Schema of the arguments.
    parameters: dict[str, Any]
    #: Gets the arguments, returns what the model reads; the text of an exception is told to the model.
    call: Callable[[dict[str, Any]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, of which model, by whom."""

    prompt: str
    #: System text; empty: the agent's own, or none.
    system: str
    #: None: the model of the agent that is asked, Echo where it names none.
    model: str | dict[str, Any] | None
    ports: Ports
    #: Whose secrets may be used.
    team_id: str
    session_id: str
    #: Gets one entry per provider request, also when the conversation fails.
    usage: list[Usage] = field(default_factory=list)


class ConversationFailed(Exception):
    """The conversation came to no answer; the text says why."""


class Conversations(Protocol):
    """Who holds conversations."""

    async def with_agent(self, question: Question, agent_id: str, document: Document, caller: object) -> str:
        """Ask an agent; its skills are the tools.

        Args:
            question: What is asked.
            agent_id: The agent's id.
            document: The agent's document.
            caller: ``Call.caller`` of the component that asks: the skills run on its run's limits.

        Raises:
            ConversationFailed: There is no answer.
        """
        ...

    async def with_tools(self, question: Question, tools: list[Tool]) -> str:
        """Ask a model that may call ``tools``.

        Raises:
            ConversationFailed: There is no answer.
        """
        ...
