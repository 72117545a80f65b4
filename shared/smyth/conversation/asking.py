"""One request to a model, and what it used, however it ended."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from smyth.connectors.models import port
from smyth.connectors.models.port import Finished, Message, ModelError, ModelPort, ModelRequest, ToolCall, Usage
from smyth.conversation.events import Content, Event, Thinking


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model request brought."""

    text: str
    reason: str
    calls: tuple[ToolCall, ...]
    thinking_blocks: tuple[dict[str, Any], ...]

    def as_message(self) -> Message:
        """Return the reply as it goes back to the model: arguments exactly as received, signed thoughts kept."""
        message: Message = {
            "role": "assistant",
            "content": self.text,
            "tool_calls": [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in self.calls
            ],
        }
        if self.thinking_blocks:
            message["thinking_blocks"] = list(self.thinking_blocks)
        return message


@dataclass(slots=True)
class Asking:
    """A request on its way."""

    models: ModelPort
    request: ModelRequest
    #: The model's name as the user knows it.
    model_name: str
    #: Gets what the request used.
    usage: list[Usage]
    _text: str = field(default="", init=False)
    _finished: Finished | None = field(default=None, init=False)

    async def events(self) -> AsyncGenerator[Event]:
        """Ask; closing the generator stops the model.

        Raises:
            ModelError: There is no whole answer.
        """
        begun = False
        try:
            async with aclosing(self.models.stream(self.request)) as pieces:
                async for piece in pieces:
                    begun = True
                    if isinstance(piece, port.Text):
                        self._text += piece.text
                        yield Content(piece.text)
                    elif isinstance(piece, port.Thinking):
                        yield Thinking(piece.text)
                    else:
                        self._finished = piece
                        self.usage.append(piece.usage)
        except BaseException as error:
            if self._finished is None:
                self._count_broken(error, begun=begun)
            raise

    def reply(self) -> Reply:
        """Return what all events together were.

        Raises:
            ModelError: The model fell silent before it had said all.
        """
        finished = self._finished
        if finished is None:
            raise ModelError("The model's answer ended before it was complete. Try again.")
        return Reply(self._text, finished.reason, finished.tool_calls, finished.thinking_blocks)

    def _count_broken(self, error: BaseException, *, begun: bool) -> None:
        """Note what was used by a request that did not come to its end."""
        if begun or not isinstance(error, Exception):
            # Who leaves has had the provider at work, too.
            self.usage.append(self.models.broken_off(self.request, self._text))
        elif isinstance(error, ModelError) and error.reached_provider:
            # A refusal has no price, but the provider was asked.
            self.usage.append(Usage(self.model_name))
