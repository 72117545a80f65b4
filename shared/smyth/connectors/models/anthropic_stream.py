"""Read Anthropic's stream of events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from smyth.connectors.models.entry import ModelEntry
from smyth.connectors.models.failures import ProviderFailure
from smyth.connectors.models.port import Finished, ModelEvent, Text, Thinking, ToolCall, Usage
from smyth.connectors.models.prices import priced

#: Their reasons to stop, in our words (models.md section 5).
_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
#: Their kinds of errors inside a stream, as the status that they would have had before it.
_STATUS = {"overloaded_error": 529, "rate_limit_error": 429, "api_error": 500, "invalid_request_error": 400}


class AnthropicStream:
    """One answer while it comes in."""

    def __init__(self, entry: ModelEntry, name: str, *, opening: str = "") -> None:
        """Begin.

        Args:
            entry: The model.
            name: Its name as the user knows it.
            opening: Text that was put into the model's mouth, and is part of the answer.
        """
        self._entry = entry
        self._name = name
        self._opening = opening
        self._reason = "stop"
        self._used: dict[str, int] = {}
        self._blocks: dict[int, dict[str, Any]] = {}
        self._arguments: dict[int, str] = {}

    async def events(self, lines: AsyncIterator[str]) -> AsyncIterator[ModelEvent]:
        """Read the stream.

        Raises:
            ProviderFailure: The provider failed, or the stream ended before the answer did.
        """
        async for line in lines:
            if not line.startswith("data:"):
                continue
            event = json.loads(line[5:])
            match event.get("type"):
                case "message_start":
                    self._count(event["message"].get("usage"))
                case "content_block_start":
                    self._blocks[event["index"]] = dict(event["content_block"])
                    for told in self._told(event["content_block"].get("text"), event["content_block"].get("thinking")):
                        yield told
                case "content_block_delta":
                    for told in self._delta(event["index"], event["delta"]):
                        yield told
                case "message_delta":
                    self._count(event.get("usage"))
                    reason = event["delta"].get("stop_reason")
                    self._reason = _REASONS.get(reason, reason) or self._reason
                case "message_stop":
                    yield self._finished()
                    return
                case "error":
                    error = event.get("error") or {}
                    raise ProviderFailure(str(error.get("message", "")), status=_STATUS.get(error.get("type", "")))
        raise ProviderFailure("The answer broke off.")

    def _delta(self, index: int, delta: dict[str, Any]) -> Iterator[ModelEvent]:
        block = self._blocks.setdefault(index, {})
        match delta.get("type"):
            case "text_delta":
                yield from self._told(delta["text"], None)
            case "thinking_delta":
                block["thinking"] = block.get("thinking", "") + delta["thinking"]
                yield from self._told(None, delta["thinking"])
            case "signature_delta":
                block["signature"] = block.get("signature", "") + delta["signature"]
            case "input_json_delta":
                self._arguments[index] = self._arguments.get(index, "") + delta["partial_json"]

    def _told(self, text: str | None, thought: str | None) -> Iterator[ModelEvent]:
        if thought:
            yield Thinking(thought)
        if text:
            yield Text(self._opening + text)
            self._opening = ""

    def _count(self, usage: dict[str, Any] | None) -> None:
        self._used |= {name: value for name, value in (usage or {}).items() if isinstance(value, int)}

    def _finished(self) -> Finished:
        read = self._used.get("cache_read_input_tokens", 0)
        written = self._used.get("cache_creation_input_tokens", 0)
        used = Usage(
            model=self._name,
            input_tokens=self._used.get("input_tokens", 0) + written,
            output_tokens=self._used.get("output_tokens", 0),
            cached_tokens=read,
        )
        blocks = [self._blocks[index] for index in sorted(self._blocks)]
        calls = tuple(
            ToolCall(block["id"], block["name"], self._arguments.get(index) or json.dumps(block.get("input") or {}))
            for index, block in sorted(self._blocks.items())
            if block.get("type") == "tool_use"
        )
        thoughts = tuple(block for block in blocks if block.get("type") in ("thinking", "redacted_thinking"))
        return Finished(self._reason, priced(self._entry, used, written=written), calls, thoughts)
