"""What a model may call during a turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from smyth.connectors.conversations.port import Tool
from smyth.connectors.models.port import Message
from smyth.engine import RunResult


class Toolbox(Protocol):
    """Tools with names."""

    @property
    def definitions(self) -> list[dict[str, Any]]:
        """The tools as models are told of them, in OpenAI's shape."""
        ...

    async def run(
        self, name: str, arguments: dict[str, Any] | str, spoken: list[Message], passthrough: Callable[[str], None]
    ) -> RunResult:
        """Run a tool; whatever goes wrong is in the result, for the model to read."""
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

    async def run(
        self, name: str, arguments: dict[str, Any] | str, spoken: list[Message], passthrough: Callable[[str], None]
    ) -> RunResult:
        """See :meth:`Toolbox.run`."""
        tool = next((one for one in self.tools if one.name == name), None)
        if tool is None:
            return RunResult({"error": f'There is no tool "{name}".'})
        if isinstance(arguments, str):
            return RunResult({"error": "The arguments are not a JSON object. Call the tool again with valid JSON."})
        try:
            return RunResult(await tool.call(arguments))
        except Exception as error:
            return RunResult({"error": str(error) or type(error).__name__})
