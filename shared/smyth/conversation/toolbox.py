"""What a model may call during a turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from smyth.connectors.conversations.port import Tool
from smyth.connectors.models.port import Message, Usage

NOT_AN_OBJECT = {"error": "The arguments are not a JSON object. Call the tool again with valid JSON."}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The turn around a tool's call."""

    #: System text and messages so far.
    spoken: list[Message]
    #: Receives text that models of the tool pass through to the user.
    passthrough: Callable[[str], None]
    #: Gets one entry per provider request while the tool runs, so that nothing is lost where it is cut off.
    usage: list[Usage]


class Toolbox(Protocol):
    """Tools with names."""

    @property
    def definitions(self) -> list[dict[str, Any]]:
        """The tools as models are told of them, in OpenAI's shape."""
        ...

    async def run(self, name: str, arguments: dict[str, Any] | str, around: Surroundings) -> Any:
        """Run a tool; whatever goes wrong is in the result, for the model to read.

        Args:
            name: As the model called it.
            arguments: From :func:`smyth.conversation.skills.read_arguments`.
            around: The turn.
        """
        ...


@dataclass(frozen=True, slots=True)
class GivenTools:
    """Tools that a component brings along, such as the operations of an HTTP API."""

    tools: Sequence[Tool]

    @property
    def definitions(self) -> list[dict[str, Any]]:
        """See :meth:`Toolbox.definitions`."""
        return [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
            }
            for tool in self.tools
        ]

    async def run(self, name: str, arguments: dict[str, Any] | str, around: Surroundings) -> Any:
        """See :meth:`Toolbox.run`."""
        tool = next((one for one in self.tools if one.name == name), None)
        if tool is None:
            return {"error": f'There is no tool "{name}".'}
        if isinstance(arguments, str):
            return NOT_AN_OBJECT
        try:
            return await tool.call(arguments)
        except Exception as error:
            return {"error": str(error) or type(error).__name__}
