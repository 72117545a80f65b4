"""How the model of a turn shall answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """What a caller chooses for the model requests of a turn; ``None`` means that the model's default applies."""

    temperature: float | None = None
    top_p: float | None = None
    #: Of each model request; never more than the model gives.
    max_tokens: int | None = None
    stop: tuple[str, ...] | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    #: As :class:`~smyth.connectors.models.port.ModelRequest` has it.
    response_format: Literal["json", "text"] | dict[str, Any] | None = None
    #: ``auto``, ``none``, ``required``, or OpenAI's object that names one tool. What forces a call does so once: a
    #: model that has to call in every round would never come to an answer.
    tool_choice: str | dict[str, Any] | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None

    def sampling(self) -> dict[str, Any]:
        """Return the members of a ``ModelRequest`` that hold for every request as they are."""
        return {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "stop": list(self.stop or ()),
            "seed": self.seed,
            "frequency_penalty": self.frequency_penalty,
            "presence_penalty": self.presence_penalty,
            "response_format": self.response_format,
            "reasoning": self.reasoning_effort is not None,
            "reasoning_effort": self.reasoning_effort,
            "verbosity": self.verbosity,
        }

    def tool_choice_in(self, round_number: int, tools: list[dict[str, Any]]) -> str | dict[str, Any] | None:
        """Return the choice for one request of the turn; None where there is nothing to choose from."""
        if not tools:
            return None
        forced = self.tool_choice is not None and self.tool_choice not in ("auto", "none")
        return "auto" if self.tool_choice is None or (forced and round_number > 0) else self.tool_choice
