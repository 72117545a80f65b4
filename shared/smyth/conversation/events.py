"""What happens during a turn, as told to those who listen (API "Stream events")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from smyth.conversation.guardrails.port import Action

_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Start:
    """The turn begins."""

    model: str

    def as_json(self) -> dict[str, Any]:
        """Return the event as clients get it."""
        return {"type": "start", "model": self.model}


@dataclass(frozen=True, slots=True)
class Content:
    """A piece of the answer."""

    text: str

    def as_json(self) -> dict[str, Any]:
        """Return the event as clients get it."""
        return {"type": "content", "text": self.text}


@dataclass(frozen=True, slots=True)
class Thinking:
    """A piece of the model's reasoning."""

    text: str

    def as_json(self) -> dict[str, Any]:
        """Return the event as clients get it."""
        return {"type": "thinking", "text": self.text}


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """A skill begins to run; ``arguments`` is the object, or the text where it was none."""

    id: str
    name: str
    arguments: Any

    def as_json(self) -> dict[str, Any]:
        """Return the event as clients get it."""
        return {"type": "tool_call", "id": self.id, "name": self.name, "arguments": self.arguments}


@dataclass(frozen=True, slots=True)
class ToolAnswered:
    """A skill has run."""

    id: str
    name: str
    result: Any

    def as_json(self) -> dict[str, Any]:
        """Return the event as clients get it."""
        return {"type": "tool_result", "id": self.id, "name": self.name, "result": self.result}


@dataclass(frozen=True, slots=True)
class Guarded:
    """A guardrail has acted."""

    action: Action

    def as_json(self) -> dict[str, Any]:
        """Return the event as clients get it; never what the rule found."""
        return {"type": "guardrail", **self.action.as_json()}


@dataclass(frozen=True, slots=True)
class Used:
    """What the turn has used, of all its provider requests together."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_micro_usd: int

    @property
    def tokens(self) -> dict[str, int]:
        """The token counts as clients get them; cached tokens are part of the input."""
        whole_input = self.input_tokens + self.cached_tokens
        return {
            "input_tokens": whole_input,
            "output_tokens": self.output_tokens,
            "cached_tokens": self.cached_tokens,
            "total_tokens": whole_input + self.output_tokens,
        }

    def as_json(self) -> dict[str, Any]:
        """Return the event as clients get it; the cost is the provider's."""
        dollars, micro = divmod(self.cost_micro_usd, _MICRO)
        return {"type": "usage", **self.tokens, "model_cost": f"{dollars}.{micro:06d}"}


@dataclass(frozen=True, slots=True)
class End:
    """The turn is done; ``reason`` is that of the last model request."""

    output: str
    reason: str
    #: What the caller should know though the turn went well.
    warnings: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the event as clients get it."""
        told: dict[str, Any] = {"type": "end", "output": self.output, "finish_reason": self.reason}
        return {**told, "warnings": list(self.warnings)} if self.warnings else told


@dataclass(frozen=True, slots=True)
class Failed:
    """The turn failed; nothing comes after this."""

    code: str
    message: str

    def as_json(self) -> dict[str, Any]:
        """Return the event as clients get it."""
        return {"type": "error", "code": self.code, "message": self.message}


Event = Start | Content | Thinking | ToolCalled | ToolAnswered | Guarded | Used | End | Failed
